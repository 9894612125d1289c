% Pelletier 59: A predicate that flips at each step.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : (f(X) <=> ~f(g(X)))).
fof(goal, conjecture, ? [X] : (f(X) & ~f(g(X)))).
