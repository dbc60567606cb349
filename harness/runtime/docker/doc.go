// Package docker runs a cell in containers, through testcontainers-go. The app runs from the image, the build or the compose file that its team ships:
//
//	this process ── network, containers, files ──▶ container engine
//	     ▲
//	     │ control: order, history, "start instance aws-us-east-1-0"
//	     ▼
//	container of the internet: the cell                 containers of the app
//	  chain, resolver, links, gateways, journeys  ◀──── whatever they dial
//
// All containers of a cell share one network. The engine's bridge has no address in it; its gateway is the container of the internet, in which every IPv4 address is
// ours: private.Inhabit. So all that the app dials reaches us, at the addresses that a cell on this machine has too, and nothing reaches the machine. An "internal" network
// would not do: it leaks to the bridge's own address, and drops what is for others.
//
// The container of the internet is this program, in an image made out of nothing else. It may use CAP_NET_ADMIN over its own network, and has no way to the engine: for
// what it needs of that it asks this process.
//
// What a compose file has beside the app's service runs in containers of the same network: package compose reads the file, StartServices starts them. The engine's own
// resolver knows their names; the cell's passes on what is asked for them.
//
// Nothing is assumed of a registry: no image is pulled but the user's own, and testcontainers' reaper is not used. Everything is labelled with the process that made it,
// and Sweep removes what belongs to one that is gone.
package docker
