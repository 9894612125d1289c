% Pelletier 23: Moving a quantifier into a disjunction.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, (! [X] : (p | f(X))) <=> (p | ! [X] : f(X))).
