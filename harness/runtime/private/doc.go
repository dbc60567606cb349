// Package private gives a process a network of its own on Linux, without Docker and without root: a user, network, mount and PID namespace in which every IPv4
// address is ours. An app that is started there may have https://mainnet.infura.io compiled in, or a resolver such as 8.8.8.8: whatever it dials reaches this run, and
// nothing leaves the machine.
//
//	outer process ── Prepare, start ──▶ inner process (PID 1, uid 0 of its namespace) ── Enter ──▶ services on 198.18.x.y:443, resolver on :53
//	                                         │
//	                                         └ AsUser, Start ──▶ the app, under its true user id
//
// How an address becomes ours: the route "local 0.0.0.0/0 dev lo" makes the kernel deliver every packet to this network's own sockets. A socket that listens on all
// addresses therefore gets what was sent to any, and its local address says to which. A pair of connected interfaces, both ends inside, is there for resolvers that ask
// whether the machine has an address at all (getaddrinfo's AI_ADDRCONFIG) and for browsers that ask whether it is online.
//
// A program of the machine that the run itself needs, such as a database that a world names, is let in one by one: Expose. What the user wants to open from outside,
// which is the app, is let out one by one: Publish, on a port of the machine's loopback interface.
//
// Where the app runs in containers, the same is done in the container that is their gateway: Inhabit.
//
// What the app would find outside through files is covered: the resolver's files are mounted over, sockets that lead outside are masked. All files are on a tmpfs inside,
// so a killed run leaves none. When the inner process ends, the kernel ends everything in its namespaces. While it lives, orphans become its children: Reap.
//
// Source: namespaces(7), user_namespaces(7), mount_namespaces(7), ip-route(8); tried on Linux 6.18 as root and as an ordinary user. Some distributions forbid user
// namespaces to ordinary users, and some let them be made and forbid what follows: Try goes through the whole sequence, since nothing less tells.
package private
