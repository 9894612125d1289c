% Pelletier 63: In a group one may cancel on the right.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(associative, axiom, ! [X,Y,Z] : f(f(X,Y),Z)=f(X,f(Y,Z))).
fof(left_identity, axiom, ! [X] : f(a,X)=X).
fof(left_inverse, axiom, ! [X] : ? [Y] : f(Y,X)=a).
fof(goal, conjecture, ! [X,Y,Z] : (f(X,Y)=f(Z,Y) => X=Z)).
