// The page of play.
