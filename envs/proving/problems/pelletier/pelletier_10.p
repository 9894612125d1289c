% Pelletier 10: Three implications give an equivalence.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, q => r).
fof(premise_2, axiom, r => (p & q)).
fof(premise_3, axiom, p => (q | r)).
fof(goal, conjecture, p <=> q).
