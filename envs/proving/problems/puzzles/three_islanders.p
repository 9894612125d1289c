% A says that all three are knaves, B says that exactly one is a knight: A and C are knaves, B
% is a knight.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(either, axiom, ! [X] : (knight(X) | knave(X))).
fof(not_both, axiom, ! [X] : ~(knight(X) & knave(X))).
fof(first, axiom, knight(a) <=> (knave(a) & knave(b) & knave(c))).
fof(second, axiom,
    ( knight(b) <=> ((knight(a) & knave(b) & knave(c)) | (knave(a) & knight(b) & knave(c)) |
      (knave(a) & knave(b) & knight(c))) )).
fof(goal, conjecture, knave(a) & knight(b) & knave(c)).
