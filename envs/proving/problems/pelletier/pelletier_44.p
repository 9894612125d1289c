% Pelletier 44: Relations.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : (f(X) => ((? [Y] : (g(Y) & h(X,Y))) & ? [Y] : (g(Y) & ~h(X,Y))))).
fof(premise_2, axiom, ? [X] : (j(X) & ! [Y] : (g(Y) => h(X,Y)))).
fof(goal, conjecture, ? [X] : (j(X) & ~f(X))).
