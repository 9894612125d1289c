% Pelletier 57: Transitivity on composed terms.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, f(g(a,b),g(b,c))).
fof(premise_2, axiom, f(g(b,c),g(a,c))).
fof(premise_3, axiom, ! [X,Y,Z] : ((f(X,Y) & f(Y,Z)) => f(X,Z))).
fof(goal, conjecture, f(g(a,b),g(a,c))).
