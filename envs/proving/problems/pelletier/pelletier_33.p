% Pelletier 33: Problem 17 in monadic logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( (! [X] : ((p(a) & (p(X) => p(b))) => p(c))) <=> ! [X] : ((~p(a) | p(X) | p(c)) & (~p(a)
      | ~p(b) | p(c))) )).
