% Pelletier 64: In a group a left inverse is a right inverse.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(associative, axiom, ! [X,Y,Z] : f(f(X,Y),Z)=f(X,f(Y,Z))).
fof(left_identity, axiom, ! [X] : f(a,X)=X).
fof(left_inverse, axiom, ! [X] : ? [Y] : f(Y,X)=a).
fof(goal, conjecture, ! [X,Y] : (f(Y,X)=a => f(X,Y)=a)).
