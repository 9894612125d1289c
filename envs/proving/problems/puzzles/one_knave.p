% Knights tell the truth, knaves lie. One says: at least one of us is a knave.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(either, axiom, ! [X] : (knight(X) | knave(X))).
fof(not_both, axiom, ! [X] : ~(knight(X) & knave(X))).
fof(statement, axiom, knight(a) <=> (knave(a) | knave(b))).
fof(goal, conjecture, knight(a) & knave(b)).
