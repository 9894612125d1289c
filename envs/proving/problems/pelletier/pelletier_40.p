% Pelletier 40: A set of the sets in themselves leaves some set without complement.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( (? [Y] : ! [X] : (f(X,Y) <=> f(X,X))) => ~! [X] : ? [Y] : ! [Z] : (f(Z,Y) <=> ~f(Z,X))
      )).
