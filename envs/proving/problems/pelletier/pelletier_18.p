% Pelletier 18: The drinker: someone such that, if he drinks, all drink.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ? [Y] : ! [X] : (f(Y) => f(X))).
