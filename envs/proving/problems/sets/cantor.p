% No enumeration of sets lists every set: whatever sets it lists, the diagonal set is missing.
% Source: G. Cantor, Jahresbericht der Deutschen Mathematiker-Vereinigung 1 (1891).

fof(diagonal, axiom, ! [Z] : (in(Z,diagonal) <=> ~in(Z,listed(Z)))).
fof(goal, conjecture, ~? [X] : ! [Z] : (in(Z,listed(X)) <=> in(Z,diagonal))).
