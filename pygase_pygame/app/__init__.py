"""What all the games have in common, so that each of them is only about itself.

A game is four pieces, of which this package knows two: how to serve it, and what is in its window::

    # games/tag/__main__.py                           (no pygame in here: a server does without)
    GAME = Game(
        name="tag", title="Tag", about="Run from the one who is it", port=7650,
        serve=lambda hosting: TagServer(bots=hosting.bots).backend,     # Backend(..., game="tag")
        screen="games.tag.client:TagScreen", tick=1 / 60, bots=3, most_bots=15,
    )
    if __name__ == "__main__":
        sys.exit(cli.run(GAME))

    # games/tag/client.py
    class TagScreen(GameScreen):
        options = SessionOptions(interpolate=["players.*.x", "players.*.y"], tick=1 / 60, predict=...)
        sounds = SoundSet(caught=[Tone(880, 0.08), Tone(440, 0.2, to=220, shape="square")])

        def handle(self, event):        # every event of pygame's, SERVER_EVENT among them; True: mine alone
            self.controls.handle(event)
        def update(self):               # each frame, also of a minimised window
            self.session.send_input(self.controls.state)
        def draw(self, surface):        # each frame that can be seen, on a surface of any size
            view = self.session.view()

What comes for that: the command line (`host`, `join`, `--help` and their options), the invitation, a sentence for
whatever is missing or taken, the window, `JOIN(name)` sent to the server on each connection (reliably), a band that
says what is wrong with the connection, the keys that are the same everywhere (`loop.Loop` lists them), a bad link on
request, being found on the local network, and an end at once, for everyone, whichever way the program ends.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `names`      `clean_name(anything)`, `unused_name(name, taken)`: for servers (pure)
- `company`    `Company`: who has been here long enough to be spoken of: for servers (pure)
- `palette`    colours that the colour-blind tell apart: `player_colour(number)`, WHITE, GREY, NIGHT, FLOOR ... (pure)
- `walls`      rectangles, the same in all four quarters of a place (pure)
- `sounds`     `Tone`, `SoundSet`, and `Sounds.play(name, volume, pan)`, which without a mixer is silent
- `game`       `Game` and `Hosting`: what a game tells about itself
- `invite`     addresses, and what friends have to type
- `ports`      who has a port
- `lettering`  `Lettering.line` and `.block`: text that fits
- `layout`     `Layout`: the rules' units to pixels and back (pure)
- `hud`        `notice`, `news`, `footer`, `scoreboard`, `name_tag`: what stands in front of a game
- `icon`       `icon(paint)`: a window's icon, drawn in code
- `window`     the window, full screen, minimised; `NoDisplay`
- `screen`     `GameScreen` to derive from, and `Playing`, which it gets: session, name, sounds, lettering, clock ...
- `shape`      what states look like, and what is wrong with one that does not (pure)
- `connector`  sessions, at somebody's server or at one's own
- `choosing`   the only game on the local network, or the screen to choose one
- `extras`     net graph (F3), a worse link (F4)
- `roster`     the host's list of players (F6): kick, ban
- `loop`       one frame after the other
- `play`       the window, the session and the loop together
- `cli`        `run(game, argv)`: the command line

`tests.games.common.table` seats players at a game in virtual time, each with a window and keys that a test presses.
"""
