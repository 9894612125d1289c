% Pelletier 41: Separation of the sets not in themselves: there is no universal set.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [Z] : ? [Y] : ! [X] : (f(X,Y) <=> (f(X,Z) & ~f(X,X)))).
fof(goal, conjecture, ~? [Z] : ! [X] : f(X,Z)).
