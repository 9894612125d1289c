% Pelletier 19: A drinker for two predicates.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ? [X] : ! [Y,Z] : ((p(Y) => q(Z)) => (p(X) => q(X)))).
