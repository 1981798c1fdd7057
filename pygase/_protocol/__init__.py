"""The protocol, pure: bytes and ``now`` in, bytes and events out.

It knows no sockets, threads, loops or clock. Its layers, lowest first:

==================  =========================================================================================
sequence            packet numbers: restored from 16 bits, and the window of received ones
record              the numbers of a connection that every tick touches, in one flat object
wire                how every byte lies in a datagram; encode beside decode
timing              round-trip time, jitter, loss, rates
meter               the statistics of a connection
budget              a token bucket of bytes per second
acks                the sent packets: times, contents, arrivals
skips               numbers left out, against peers that acknowledge packets without receiving them
fragments           splits large messages and joins them, within fixed bounds
acknowledged        the type of an event whose sender learns that it has arrived
channels            sends unreliable, retried and reliable messages
event_receiver      receives them, each once and in order
snapshots           the server's states, and the next state for a client
snapshot_receiver   the client's states, and its acked tick
event_gate          at the client, events wait for the state that precedes them
inputs              a player's inputs at the client, and on the wire
loss_meter          measures how many datagrams get lost in a row
server_clock        the server's time, as the client knows it
input_schedule      the numbers of the schedule that gives each input its tick
input_buffer        a player's inputs at the server
input_rate          a player's rate of inputs beside the server's ticks
view_times          the bound on the view time that a client claims
sleep               notices that this process has slept
resumption          the secret that resumes a lost connection
crypto              keys, seals, and the proof of a password
handshake           stateless challenge; the client's way to a connection
paths               moves of a connection to another address: challenge and response
admission           how often a host may try, and which connection gives way in a full server
tickets             numbers for events whose arrival is reported
way_in              a client's handshake, also of a lost connection
peer_events         the events of a connection, for the layer above
peer                the part that both ends of a connection share
client_sides        the inputs and the states of a client
doubt               a client's doubt whether the server still knows its connection
client_peer         the client's end: ClientProtocol
server_peer         the server's end of one connection: ServerProtocol
played_inputs       the input of each player in each tick
resets              answers packets of unknown connections, with a proof that the connection is gone
saved_peers         the part of a peer that outlives the process in a checkpoint
entrance            answers newcomers: challenge, acceptance or refusal
held                the total of the bytes held back for all peers
endpoint            one socket, many peers: ServerEndpoint
==================  =========================================================================================
"""
