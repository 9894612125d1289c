% Everybody loves my baby, but my baby loves nobody but me: so I am my baby.
% Source: a song of 1924 (S. Williams, J. Palmer), known to logicians as a joke.

fof(loved, axiom, ! [X] : loves(X,baby)).
fof(faithful, axiom, ! [X] : (loves(baby,X) => X=me)).
fof(goal, conjecture, me=baby).
