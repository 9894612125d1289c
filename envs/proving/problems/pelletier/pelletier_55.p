% Pelletier 55: Who killed Aunt Agatha? (L. Schubert).
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(somebody, axiom, ? [X] : (lives(X) & killed(X,agatha))).
fof(agatha_lives, axiom, lives(agatha)).
fof(butler_lives, axiom, lives(butler)).
fof(charles_lives, axiom, lives(charles)).
fof(nobody_else, axiom, ! [X] : (lives(X) => (X=agatha | X=butler | X=charles))).
fof(killers_hate, axiom, ! [X,Y] : (killed(X,Y) => hates(X,Y))).
fof(killers_are_poorer, axiom, ! [X,Y] : (killed(X,Y) => ~richer(X,Y))).
fof(charles_hates, axiom, ! [X] : (hates(agatha,X) => ~hates(charles,X))).
fof(agatha_hates, axiom, ! [X] : (X!=butler => hates(agatha,X))).
fof(butler_hates_the_poor, axiom, ! [X] : (~richer(X,agatha) => hates(butler,X))).
fof(butler_hates, axiom, ! [X] : (hates(agatha,X) => hates(butler,X))).
fof(nobody_hates_all, axiom, ! [X] : ? [Y] : ~hates(X,Y)).
fof(agatha_is_not_the_butler, axiom, agatha!=butler).
fof(goal, conjecture, killed(agatha,agatha)).
