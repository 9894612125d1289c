% Pelletier 62: Problem 33 with a function, as corrected later.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( (! [X] : ((f(a) & (f(X) => f(g(X)))) => f(g(g(X))))) <=> ! [X] : ((~f(a) | f(X) |
      f(g(g(X)))) & (~f(a) | ~f(g(X)) | f(g(g(X))))) )).
