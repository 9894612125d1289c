% Pelletier 42: No set of the sets that are in no circle of two.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ~? [Y] : ! [X] : (f(X,Y) <=> ~? [Z] : (f(X,Z) & f(Z,X)))).
