% Equal singletons have equal elements.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(singleton, axiom, ! [X,Y] : (in(Y,singleton(X)) <=> Y=X)).
fof(goal, conjecture, ! [X,Y] : (singleton(X)=singleton(Y) => X=Y)).
