% Pelletier 39: Russell's paradox: no set of the sets that are not in themselves.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ~? [X] : ! [Y] : (f(Y,X) <=> ~f(Y,Y))).
