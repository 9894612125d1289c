% Everybody loves a lover; Romeo loves Juliet: so everybody loves everybody.
% Source: folklore; in G. Boolos, J. Burgess and R. Jeffrey, "Computability and Logic".

fof(lovers, axiom, ! [X,Y,Z] : (loves(X,Y) => loves(Z,X))).
fof(romeo, axiom, loves(romeo,juliet)).
fof(goal, conjecture, ! [X,Y] : loves(X,Y)).
