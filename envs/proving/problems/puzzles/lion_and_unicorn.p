% The lion lies on Mondays, Tuesdays and Wednesdays, the unicorn on Thursdays, Fridays and
% Saturdays; if both claim to have lied yesterday, today is Thursday.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(some_day, axiom,
    ( ! [X] : (monday(X) | tuesday(X) | wednesday(X) | thursday(X) | friday(X) | saturday(X) |
      sunday(X)) )).
fof(before_monday, axiom, ! [X] : (monday(X) => sunday(yesterday(X)))).
fof(before_tuesday, axiom, ! [X] : (tuesday(X) => monday(yesterday(X)))).
fof(before_wednesday, axiom, ! [X] : (wednesday(X) => tuesday(yesterday(X)))).
fof(before_thursday, axiom, ! [X] : (thursday(X) => wednesday(yesterday(X)))).
fof(before_friday, axiom, ! [X] : (friday(X) => thursday(yesterday(X)))).
fof(before_saturday, axiom, ! [X] : (saturday(X) => friday(yesterday(X)))).
fof(before_sunday, axiom, ! [X] : (sunday(X) => saturday(yesterday(X)))).
fof(lion_on_monday, axiom, ! [X] : (monday(X) => lies(lion,X))).
fof(lion_on_tuesday, axiom, ! [X] : (tuesday(X) => lies(lion,X))).
fof(lion_on_wednesday, axiom, ! [X] : (wednesday(X) => lies(lion,X))).
fof(lion_on_thursday, axiom, ! [X] : (thursday(X) => ~lies(lion,X))).
fof(lion_on_friday, axiom, ! [X] : (friday(X) => ~lies(lion,X))).
fof(lion_on_saturday, axiom, ! [X] : (saturday(X) => ~lies(lion,X))).
fof(lion_on_sunday, axiom, ! [X] : (sunday(X) => ~lies(lion,X))).
fof(unicorn_on_monday, axiom, ! [X] : (monday(X) => ~lies(unicorn,X))).
fof(unicorn_on_tuesday, axiom, ! [X] : (tuesday(X) => ~lies(unicorn,X))).
fof(unicorn_on_wednesday, axiom, ! [X] : (wednesday(X) => ~lies(unicorn,X))).
fof(unicorn_on_thursday, axiom, ! [X] : (thursday(X) => lies(unicorn,X))).
fof(unicorn_on_friday, axiom, ! [X] : (friday(X) => lies(unicorn,X))).
fof(unicorn_on_saturday, axiom, ! [X] : (saturday(X) => lies(unicorn,X))).
fof(unicorn_on_sunday, axiom, ! [X] : (sunday(X) => ~lies(unicorn,X))).
fof(lied_yesterday, axiom, ! [X,W] : (claims(W,X) => (lies(W,X) <=> ~lies(W,yesterday(X))))).
fof(goal, conjecture, ! [X] : ((claims(lion,X) & claims(unicorn,X)) => thursday(X))).
