% Pelletier 34: Andrews's challenge.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( ((? [X] : ! [Y] : (p(X) <=> p(Y))) <=> ((? [X] : q(X)) <=> ! [Y] : q(Y))) <=> ((? [X] :
      ! [Y] : (q(X) <=> q(Y))) <=> ((? [X] : p(X)) <=> ! [Y] : p(Y))) )).
