// Package fault is the catalogue of what can go wrong: one file a fault, with its parameters, its documentation and how it is injected, observed and lifted.
//
// The package knows nothing of gateways, links or nodes beyond the small interfaces in surface.go, which package internet and package chain satisfy.
//
// # How to add a fault
//
// Add one file, named after the fault, with one package-level variable:
//
//	var _ = register(Definition{Name: "slow-close", Layer: LayerConnection, …})
//
// spec, plan, run, the reference page and the JSON Schema pick it up from the catalogue; nothing else lists faults by name.
//
//  1. Choose the layer by where it acts, not by what it looks like: the outermost layer wins a request, and the layer is the unit that a share is drawn on.
//  2. Choose the kinds of target. With KindInternal it may be a cause that acts through depends_on; with KindInternal alone New stays nil.
//  3. Give each parameter a type and bounds. Decode refuses everything else, so New can read its parameters without checking them again.
//  4. Say in Doc what the app sees on the wire, in Source where that is known from, in Incident when it happened. What a page of a vendor says is
//     not the same as what was measured: say which.
//  5. Make the action. connAction, replyAction and chainAction in actions.go do Inject and Lift; a fault mostly adds Seen. Inject and Lift never wait for traffic,
//     and Lift may come twice, or after an Inject that failed. The surface asks the grip which units to take: a rule does not draw. ReplyRule says at which stages of a
//     request a rule can act.
//  6. Write Seen so that it is true only when the fault itself shows in the probe, and false again after Lift. It decides when the fault counts as confirmed and as
//     cleared, and every statistic uses these two moments. A fault that shows in one method only has the probe call that one (replyAction.probe), with no parameters, so
//     that it hands over no transaction; its rule knows a probe by Request.Probe, and may give it an answer that no node has.
//  7. Add a row to the table of its layer's test, and run `go test ./harness/fault -update` for the reference page.
package fault
