% There is no barber who shaves exactly those who do not shave themselves.
% Source: B. Russell, "The Philosophy of Logical Atomism", The Monist 29 (1919).

fof(goal, conjecture, ~? [X] : ! [Y] : (shaves(X,Y) <=> ~shaves(Y,Y))).
