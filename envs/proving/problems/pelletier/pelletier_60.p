% Pelletier 60: A relation and its bound.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ! [X] : (f(X,g(X)) <=> ? [Y] : ((! [Z] : (f(Z,Y) => f(Z,g(X)))) & f(X,Y)))).
