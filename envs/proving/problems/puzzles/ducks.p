% No ducks waltz; no officers ever decline to waltz; all my poultry are ducks. So my poultry
% are not officers.
% Source: L. Carroll, "Symbolic Logic", Macmillan 1896.

fof(ducks, axiom, ! [X] : (duck(X) => ~waltzes(X))).
fof(officers, axiom, ! [X] : (officer(X) => waltzes(X))).
fof(poultry, axiom, ! [X] : (my_poultry(X) => duck(X))).
fof(goal, conjecture, ! [X] : (my_poultry(X) => ~officer(X))).
