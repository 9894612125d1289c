"""Sessions as other programs lead them: commands behind '>', answers below."""

# GTP 2 on tic-tac-toe; minimax looks two moves ahead, so that it blocks
GTP = """\
> 1 protocol_version
=1 2

> known_command play
= true

> known_command castle
= false

> 12 boardsize 3
=12

> boardsize 19
? unacceptable size: tictactoe has 3 x 3 points

> clear_board
=

> komi 6.5
=

> 3 play b A3 # the corner
=3

> play black b2
? illegal move: it is white's turn

> play white A3
? illegal move: nothing can be played at A3

> play W C3
=

> play B A2
=

> 7 genmove w
=7 A1

> showboard
=
X 2 O
X 5 6
O 8 9

> undo
=

> reg_genmove W
= A1

> play w b2
=

> play b a1
=

> final_score
= B+1

> genmove w
? the game is over

> play w c1
? illegal move: the game is over

> undo
=

> final_score
? cannot score: the game is not over

> time_settings 60 10 1
=

> time_left b 30 0
=

> time_settings 60
? syntax error: time_settings MAIN PERIOD STONES

> play green a1
? syntax error: 'green' is no colour of tictactoe: black or white

> 99 castle
?99 unknown command

> 5
?5 syntax error: no command

"""

# GoGui as it attaches a ruler to Connect Four and plays a column twice
RULER_CONNECT4 = """\
> gogui-rules_game_id
= Connectfour

> gogui-rules_board_size
= 7 6 rect

> gogui-rules_board
=
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .

> gogui-rules_legal_moves
= A1 B1 C1 D1 E1 F1 G1

> gogui-rules_side_to_move
= black

> play b D1
=

> play w D2
=

> play b D1
? illegal move: nothing can be played at D1

> gogui-rules_board
=
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . O . . .
. . . X . . .

> gogui-rules_legal_moves
= A1 B1 C1 D3 E1 F1 G1

> gogui-rules_final_result
=

> play b A1
=

> play w D3
=

> play b B1
=

> play w D4
=

> play b C1
=

> gogui-rules_legal_moves
=

> gogui-rules_final_result
= Black wins

"""

# Othello: row 1 is at the bottom, so that vertices are the game's own names
RULER_OTHELLO = """\
> gogui-rules_game_id
= Othello

> gogui-rules_board_size
= 8

> gogui-rules_legal_moves
= D3 C4 F5 E6

> play b F5
=

> play w F6
=

> play b E6
=

> play w F4
=

> gogui-rules_board
=
. . . . . . . .
. . . . . . . .
. . . . X O . .
. . . X X O . .
. . . O O O . .
. . . . . . . .
. . . . . . . .
. . . . . . . .

> gogui-rules_side_to_move
= black

> play b e3
=

> play w d6
=

"""
# the shortest game of Othello: White has no disc left
WIPED_OUT = "e6 f4 e3 f6 g5 d6 e7 f5 c5"
