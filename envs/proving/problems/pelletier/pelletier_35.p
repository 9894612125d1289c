% Pelletier 35: The drinker for a relation.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ? [X,Y] : (p(X,Y) => ! [X,Y] : p(X,Y))).
