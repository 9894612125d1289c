% Knights tell the truth, knaves lie: no one says of himself that he is a knave.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(either, axiom, ! [X] : (knight(X) | knave(X))).
fof(not_both, axiom, ! [X] : ~(knight(X) & knave(X))).
fof(statements, axiom, ! [X,Y] : (calls_knave(X,Y) => (knight(X) <=> knave(Y)))).
fof(goal, conjecture, ~? [X] : calls_knave(X,X)).
