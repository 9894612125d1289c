% Pelletier 21: From two implications that exist to an equivalence that exists.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [X] : (p => f(X))).
fof(premise_2, axiom, ? [X] : (f(X) => p)).
fof(goal, conjecture, ? [X] : (p <=> f(X))).
