% Pelletier 56: Closure under a function, with and without equality.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( (! [X] : ((? [Y] : (f(Y) & X=g(Y))) => f(X))) <=> ! [X] : (f(X) => f(g(X))) )).
