% Pelletier 25: Monadic logic; the premises, as published, contradict each other.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [X] : p(X)).
fof(premise_2, axiom, ! [X] : (f(X) => (~g(X) & r(X)))).
fof(premise_3, axiom, ! [X] : (p(X) => (g(X) & f(X)))).
fof(premise_4, axiom, (! [X] : (p(X) => q(X))) | ? [X] : (p(X) & r(X))).
fof(goal, conjecture, ? [X] : (q(X) & p(X))).
