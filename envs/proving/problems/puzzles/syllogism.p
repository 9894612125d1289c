% Barbara, the first of the syllogisms, with a name: all men are mortal, Socrates is a man.
% Source: the tradition after Aristotle, "Prior Analytics".

fof(men, axiom, ! [X] : (man(X) => mortal(X))).
fof(socrates, axiom, man(socrates)).
fof(goal, conjecture, mortal(socrates)).
