package spec

// The file formats, as structs of the files' own shape. The shape check (shape.go) and the JSON Schemas (schema.go) are both made from them.
// `vars` names the place whose variables may stand in a value; see variables.go.

type worldFile struct {
	Schema   string                   `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name     nameText                 `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the world."`
	About    proseText                `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Extends  nameText                 `yaml:"extends" jsonschema_description:"A world of the library to lay this one over: maps merge by key, lists replace, null deletes."`
	Clouds   map[nameText]cloudFile   `yaml:"clouds" jsonschema_description:"Operators of regions."`
	Chains   map[nameText]chainFile   `yaml:"chains" jsonschema_description:"Blockchains."`
	Services map[nameText]serviceFile `yaml:"services" jsonschema_description:"What the app, or another service, depends on."`
}

type cloudFile struct {
	Regions    []nameText `yaml:"regions" jsonschema:"required" jsonschema_description:"Names of the regions; elsewhere a region is written cloud/region."`
	SharedFate string     `yaml:"shared_fate" jsonschema:"enum=none" jsonschema_description:"none: the regions belong to independent operators, which do not fail together."`
}

type chainFile struct {
	ID        int          `yaml:"id" jsonschema:"required,minimum=1" jsonschema_description:"Chain id."`
	BlockTime durationText `yaml:"block_time" jsonschema:"required" jsonschema_description:"Time between blocks, at least 1s."`
	Safe      blocksText   `yaml:"safe" jsonschema_description:"How far the safe head is behind. Default: 4 blocks."`
	Finalized blocksText   `yaml:"finalized" jsonschema_description:"How far the finalized head is behind. Default: 8 blocks, or safe when that is more."`
	SettlesOn nameText     `yaml:"settles_on" jsonschema_description:"The chain that this rollup settles on."`
	MaxDrift  durationText `yaml:"max_drift" jsonschema_description:"How long a rollup goes on without the chain that it settles on."`
	Token     addressText  `yaml:"token" jsonschema_description:"Where the chain has its token contract, whose balances and transfers journeys are held to. Default: it has none."`

	Contracts contractsFile `yaml:"contracts" jsonschema_description:"Where the chain has other contracts that apps read. Default: it has none."`
}

type contractsFile struct {
	Multicall3           addressText `yaml:"multicall3" jsonschema_description:"Many calls in one."`
	BalanceChecker       addressText `yaml:"balance_checker" jsonschema_description:"Balances of many accounts and tokens in one call, as MetaMask reads them."`
	NFT                  addressText `yaml:"nft" jsonschema_description:"A collection of pictures, an ERC-721. Account i owns token i; the metadata are files of the storage services."`
	ENSRegistry          addressText `yaml:"ens_registry" jsonschema_description:"The registry of the Ethereum Name Service. Account i is account-i.blackout.eth."`
	ENSResolver          addressText `yaml:"ens_resolver" jsonschema_description:"The resolver of the names in the registry, which needs one."`
	ENSUniversalResolver addressText `yaml:"ens_universal_resolver" jsonschema_description:"Names of the registry in one call, as viem asks for them."`
}

type serviceFile struct {
	Kind      string                   `yaml:"kind" jsonschema:"required,enum=rpc,enum=http,enum=storage,enum=tcp,enum=internal" jsonschema_description:"What it speaks. internal: it has no host and only other services depend on it."`
	Dialect   string                   `yaml:"dialect" jsonschema_description:"How the provider words its failures. Default: plain."`
	Hosts     map[nameText]hostsFile   `yaml:"hosts" jsonschema_description:"Of kind rpc: chain → host name, as the app uses it in production; or a list of names, the usual one first."`
	Host      hostsFile                `yaml:"host" jsonschema_description:"Host name of a service of kind http, storage or tcp; or a list of names, the usual one first."`
	Placement map[regionText]shareText `yaml:"placement" jsonschema:"required" jsonschema_description:"Region → share of the service that runs there; they sum to 100%."`
	KnownFrom string                   `yaml:"known_from" jsonschema:"enum=operator,enum=press,enum=assumed" jsonschema_description:"How well the placement and the dependencies are known. Default: assumed."`
	Latency   durationText             `yaml:"latency" jsonschema_description:"Added to each reply. Default: 0s."`
	TTL       durationText             `yaml:"ttl" jsonschema_description:"How long what the run's resolver says of its hosts may be kept, in whole seconds. Default: 5s."`
	Capacity  capacityFile             `yaml:"capacity" jsonschema_description:"What it takes before it answers in its own rate-limit words: headroom or rate. Default: without limit."`
	DependsOn []dependencyFile         `yaml:"depends_on" jsonschema_description:"What befalls it when other services are not available."`
	Files     folderText               `yaml:"files" jsonschema_description:"Of kind http: a folder beside this file, whose files it serves at their paths."`
	Replies   []replyFile              `yaml:"replies" jsonschema_description:"Of kind http: canned replies. Those without a {name} in their request go before files, the others after; of several the first."`
	Upstream  upstreamText             `yaml:"upstream" jsonschema_description:"Of kind tcp: host and port, on this machine, of the program that connections are led to."`
}

type replyFile struct {
	Request servedText        `yaml:"request" jsonschema:"required" jsonschema_description:"Method and path; {name} stands for one part of the path, {name...} for all that remains of it. Of a query what is named has to be there."`
	When    whenFile          `yaml:"when" jsonschema_description:"What the body of the request has to contain. Default: any body."`
	Status  int               `yaml:"status" jsonschema:"minimum=200" jsonschema_description:"HTTP status, at most 599. Default: 200."`
	Headers map[string]string `yaml:"headers" jsonschema_description:"Headers. Content-Type is that of json, body or file unless it is given."`
	JSON    any               `yaml:"json" vars:"reply" jsonschema_description:"The body, as JSON; ${request.NAME} is what stands for {NAME} in the request."`
	Body    string            `yaml:"body" vars:"reply" jsonschema_description:"The body, as text; ${request.NAME} as in json."`
	File    proseText         `yaml:"file" jsonschema_description:"The body: a file of the folder that files names."`
}

type whenFile struct {
	Body proseText `yaml:"body" jsonschema_description:"A text."`
	JSON any       `yaml:"json" jsonschema_description:"JSON: of a map the keys that are named here, anything else as a whole."`
}

type capacityFile struct {
	Headroom percentText `yaml:"headroom" jsonschema_description:"Beyond the app's own rate in the baseline; 100% is twice that rate."`
	Rate     rateText    `yaml:"rate" jsonschema_description:"Requests per second."`
}

type dependencyFile struct {
	Service nameText     `yaml:"service" jsonschema:"required" jsonschema_description:"The service that is needed."`
	For     placedFile   `yaml:"for" jsonschema_description:"The part of this service that is struck. Default: all of it."`
	Delay   durationText `yaml:"delay" jsonschema_description:"From the start, and from the end, of the needed service's unavailability. Default: 0s."`
	Effect  effectFile   `yaml:"effect" jsonschema:"required" jsonschema_description:"What befalls this service."`
}

type placedFile struct {
	Region regionText `yaml:"region" jsonschema_description:"The part that is placed there."`
	Cloud  nameText   `yaml:"cloud" jsonschema_description:"The part that is placed there."`
	Chain  nameText   `yaml:"chain" jsonschema_description:"The part that serves this chain."`
}

type effectFile struct {
	Fault    string         `yaml:"fault" jsonschema:"required" jsonschema_description:"A fault of the catalogue."`
	With     map[string]any `yaml:"with" jsonschema_description:"The fault's parameters."`
	Share    shareFile      `yaml:"share" jsonschema_description:"Share of look-ups, new connections, requests, backends or instances, by the fault's layer. Default: 100%."`
	Flap     flapFile       `yaml:"flap" jsonschema_description:"Switches the fault on and off, bad first."`
	Existing string         `yaml:"existing" jsonschema:"enum=keep,enum=cut" jsonschema_description:"What happens to connections that are open already."`
}

type appFile struct {
	Schema        string                   `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name          nameText                 `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the app."`
	About         proseText                `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Version       versionText              `yaml:"version" jsonschema_description:"The app's own version, in quotes, by which reports and scorecards name it."`
	Start         startFile                `yaml:"start" jsonschema:"required" jsonschema_description:"How an instance starts: one of command, image, build, compose and url."`
	URL           proseText                `yaml:"url" vars:"address" jsonschema_description:"Address of an instance, on this machine. Needed unless start has a url."`
	Ready         readyFile                `yaml:"ready" jsonschema:"required" jsonschema_description:"How an instance says that it takes requests: any 2xx answer."`
	Instances     map[regionText]countFile `yaml:"instances" jsonschema_description:"Region → how many instances run there. Default: one, placed nowhere."`
	Secrets       map[envText]secretFile   `yaml:"secrets" jsonschema_description:"Values that the app needs and no artifact may show."`
	Accounts      accountsFile             `yaml:"accounts" jsonschema_description:"The users' accounts."`
	Sessions      sessionsFile             `yaml:"sessions" jsonschema_description:"The users."`
	SteadyState   steadyFile               `yaml:"steady_state" jsonschema_description:"What the baseline must show, and what ends the recovery."`
	RecoverWithin durationText             `yaml:"recover_within" jsonschema_description:"How long the app may take to be steady again. Default: 10s."`
	Amplification float64                  `yaml:"amplification" jsonschema:"minimum=1" jsonschema_description:"Limit of requests per user action, as a multiple of the baseline's. Default: 3."`
	Journeys      map[nameText]journeyFile `yaml:"journeys" jsonschema:"required" jsonschema_description:"Things that users do, each at a fixed rate."`
}

type startFile struct {
	Prepare []string           `yaml:"prepare" jsonschema_description:"A command that is run once before anything else, in the caller's own environment: a build."`
	Command []string           `yaml:"command" vars:"start" jsonschema_description:"A program with its arguments. It starts in the folder of the app file."`
	Image   proseText          `yaml:"image" jsonschema_description:"A container image."`
	Build   proseText          `yaml:"build" jsonschema_description:"A folder with a Dockerfile."`
	Compose proseText          `yaml:"compose" jsonschema_description:"A compose file."`
	Service nameText           `yaml:"service" jsonschema_description:"The service of the compose file that takes the requests; needed where there are several."`
	URL     proseText          `yaml:"url" vars:"address" jsonschema_description:"An app that runs already, on this machine."`
	Env     map[envText]string `yaml:"env" vars:"start" jsonschema_description:"The app's environment, besides PATH, HOME, LANG and what makes it trust the run's certificates."`
}

type readyFile struct {
	Request requestText  `yaml:"request" vars:"ready" jsonschema:"required" jsonschema_description:"A request that is answered with 2xx once the instance is ready."`
	Within  durationText `yaml:"within" jsonschema_description:"How long it may take. Default: 20s."`
}

type secretFile struct {
	FromEnv envText `yaml:"from_env" jsonschema:"required" jsonschema_description:"The environment variable that holds it."`
}

type accountsFile struct {
	Count countFile  `yaml:"count" jsonschema_description:"Default: 10."`
	Fund  amountText `yaml:"fund" jsonschema_description:"What each holds at first. Default: 100 ether."`
}

type sessionsFile struct {
	Count   countFile         `yaml:"count" jsonschema_description:"Default: as many as accounts."`
	Login   loginFile         `yaml:"login" jsonschema_description:"Done once per session."`
	Headers map[string]string `yaml:"headers" vars:"session" jsonschema_description:"Headers of all of a session's requests."`
}

type loginFile struct {
	Request requestText               `yaml:"request" vars:"login" jsonschema:"required" jsonschema_description:"Method and path."`
	Headers map[string]string         `yaml:"headers" vars:"login" jsonschema_description:"Headers."`
	JSON    any                       `yaml:"json" vars:"login" jsonschema_description:"The body."`
	Capture map[nameText]jsonPathText `yaml:"capture" jsonschema_description:"Name → JSONPath in the answer; used as ${session.NAME}."`
}

type steadyFile struct {
	OK  shareText    `yaml:"ok" jsonschema_description:"Share of attempts that are ok. Default: 99%."`
	P99 durationText `yaml:"p99" jsonschema_description:"99th percentile of their latency. Default: not asked."`
}

type journeyFile struct {
	Driver   string                  `yaml:"driver" jsonschema:"enum=http,enum=jsonrpc,enum=websocket,enum=exec,enum=browser" jsonschema_description:"How the journey is driven. Default: http."`
	Kind     string                  `yaml:"kind" jsonschema:"required,enum=read,enum=write,enum=events,enum=content,enum=status" jsonschema_description:"What the journey is about, and so which checks judge it."`
	Rate     rateText                `yaml:"rate" jsonschema:"required" jsonschema_description:"Attempts per second, whatever the app does."`
	Deadline durationText            `yaml:"deadline" jsonschema:"required" jsonschema_description:"A later answer is late."`
	Patience durationText            `yaml:"patience" jsonschema_description:"When the user gives up. Default: three deadlines, at most 30s."`
	Chain    nameText                `yaml:"chain" jsonschema_description:"The chain that the answers are about. Default: the first of the world. None for content."`
	Request  requestText             `yaml:"request" vars:"request" jsonschema_description:"Method and path."`
	Headers  map[string]string       `yaml:"headers" vars:"request" jsonschema_description:"Headers besides the session's."`
	JSON     any                     `yaml:"json" vars:"request" jsonschema_description:"The body."`
	Command  []string                `yaml:"command" vars:"command" jsonschema_description:"Of the driver exec: a program with its arguments, run once per attempt in the folder of the app file."`
	Env      map[envText]string      `yaml:"env" vars:"command" jsonschema_description:"Of the driver exec: the program's environment, besides PATH, HOME and LANG."`
	Steps    []stepFile              `yaml:"steps" vars:"request" jsonschema_description:"Of the driver browser: what a person does, one after the other. The first goes to a page."`
	Method   string                  `yaml:"method" vars:"request" jsonschema_description:"Of the driver jsonrpc: the method. It is sent by POST / unless request says otherwise."`
	Params   any                     `yaml:"params" vars:"request" jsonschema_description:"Of the driver jsonrpc: a list or a map."`
	Connect  pathText                `yaml:"connect" vars:"request" jsonschema_description:"Of the driver websocket: the path of the app's WebSocket. Each session keeps one open for the whole run."`
	Send     any                     `yaml:"send" vars:"request" jsonschema_description:"Of the driver websocket: what is sent once on each connection, a text as it is or any other value as JSON."`
	Answer   map[nameText]answerFile `yaml:"answer" jsonschema_description:"What to read from the answer. Of a read: balance, block, stale, payments, declined; of a write: id, tx, state, declined; of events: events, block, stale, declined, and with the driver websocket, of each message: events, removed, subscribed, stale, declined; of a content: stale, declined, if it is not a 2xx; of a status: status, declined; others for use as ${answer.NAME}."`
	States   statesFile              `yaml:"states" jsonschema_description:"The app's words: of a write for the states of a payment (pending, confirmed, failed), where a word that is not listed is an error of this file; of a status for how the app is (fine, trouble)."`
	Follow   followFile              `yaml:"follow" jsonschema_description:"Asks for a payment's state until it is final."`
	Checks   checksFile              `yaml:"checks" jsonschema_description:"Tolerances."`
}

type answerFile struct {
	Path     jsonPathText `yaml:"path" jsonschema_description:"JSONPath, RFC 9535. Of other drivers than browser. Default with the driver jsonrpc: $.result."`
	Match    patternText  `yaml:"match" jsonschema_description:"A regular expression (RE2): its first group, or all that it matched. Of the driver exec, instead of a path, over what the program printed; of the driver browser, over the text that css found."`
	CSS      selectorText `yaml:"css" vars:"request" jsonschema_description:"Of the driver browser: a CSS selector. The field is the text of the first element that it selects and that a person can see."`
	Attr     string       `yaml:"attr" jsonschema_description:"Of the driver browser: an attribute of the first element that css selects, seen or not, instead of its text."`
	Unit     string       `yaml:"unit" jsonschema:"enum=wei,enum=gwei,enum=ether,enum=token,enum=token-base-units" jsonschema_description:"Unit of a balance: of the chain's coin, or of its token, in whole tokens or in base units (10^-6). Default: wei."`
	Decimals int          `yaml:"decimals" jsonschema:"minimum=0" jsonschema_description:"Digits after the point that the app shows. Default: all."`
}

type statesFile struct {
	Pending   []proseText `yaml:"pending" jsonschema_description:"Words for: sent, not yet sure."`
	Confirmed []proseText `yaml:"confirmed" jsonschema_description:"Words for: paid."`
	Failed    []proseText `yaml:"failed" jsonschema_description:"Words for: will never be paid."`
	Fine      []proseText `yaml:"fine" jsonschema_description:"Of a status: words for all is well."`
	Trouble   []proseText `yaml:"trouble" jsonschema_description:"Of a status: words for something is wrong."`
}

// stepFile is one step of the driver browser: a map with one of these keys.
type stepFile struct {
	Goto    string       `yaml:"goto" jsonschema_description:"Go to a page of the app: a path that begins with a slash."`
	Click   selectorText `yaml:"click" jsonschema_description:"Wait for the element, and click it."`
	Type    typeFile     `yaml:"type" jsonschema_description:"Wait for the field, and replace what is in it by a text."`
	Select  selectFile   `yaml:"select" jsonschema_description:"Wait for the list, and choose one of its options."`
	WaitFor waitFile     `yaml:"wait_for" jsonschema_description:"Wait for what a person would wait for."`
}

type typeFile struct {
	Into selectorText `yaml:"into" jsonschema:"required" jsonschema_description:"A CSS selector."`
	Text string       `yaml:"text" jsonschema:"required" jsonschema_description:"What to type."`
}

type selectFile struct {
	From   selectorText `yaml:"from" jsonschema:"required" jsonschema_description:"A CSS selector of a select element."`
	Option string       `yaml:"option" jsonschema:"required" jsonschema_description:"The text or the value of the option."`
}

type waitFile struct {
	Selector selectorText `yaml:"selector" jsonschema_description:"A CSS selector: until a person can see such an element."`
	Text     string       `yaml:"text" jsonschema_description:"Until this text is seen: in that element, or anywhere on the page."`
	Match    patternText  `yaml:"match" jsonschema_description:"Until a text that fits this regular expression (RE2) is seen: in that element, or anywhere on the page."`
	Gone     selectorText `yaml:"gone" jsonschema_description:"A CSS selector: until no such element is seen any more."`
}

type followFile struct {
	Request requestText        `yaml:"request" vars:"follow" jsonschema_description:"Method and path."`
	Headers map[string]string  `yaml:"headers" vars:"follow" jsonschema_description:"Headers besides the session's."`
	JSON    any                `yaml:"json" vars:"follow" jsonschema_description:"The body."`
	Command []string           `yaml:"command" vars:"command" jsonschema_description:"Of the driver exec: a program with its arguments."`
	Env     map[envText]string `yaml:"env" vars:"command" jsonschema_description:"Of the driver exec: its environment, besides PATH, HOME and LANG."`
	Steps   []stepFile         `yaml:"steps" vars:"follow" jsonschema_description:"Of the driver browser: the steps to where the state is seen."`
	Method  string             `yaml:"method" vars:"follow" jsonschema_description:"Of the driver jsonrpc: the method."`
	Params  any                `yaml:"params" vars:"follow" jsonschema_description:"Of the driver jsonrpc: a list or a map."`
	Every   durationText       `yaml:"every" jsonschema_description:"Default: 1s."`
}

type checksFile struct {
	Balance balanceFile `yaml:"balance" jsonschema_description:"Of a read."`
	Payment paymentFile `yaml:"payment" jsonschema_description:"Of a write."`
	Events  eventsFile  `yaml:"events" jsonschema_description:"Of events."`
	Status  statusFile  `yaml:"status" jsonschema_description:"Of a status."`
}

type statusFile struct {
	NoticeWithin durationText `yaml:"notice_within" jsonschema_description:"How long the app may say that all is well while it is not. Default: 30s."`
}

type balanceFile struct {
	MaxStale blocksText `yaml:"max_stale" jsonschema_description:"How old a balance may be without a mark. Default: 3 blocks."`
}

type eventsFile struct {
	MaxStale blocksText `yaml:"max_stale" jsonschema_description:"How old the newest events may be that are missing without a mark. Default: 3 blocks."`
}

type paymentFile struct {
	ConfirmedMeans blocksText   `yaml:"confirmed_means" jsonschema_description:"How deep a payment lies that the app calls confirmed. Default: 1 block."`
	Settle         durationText `yaml:"settle" jsonschema_description:"How long after the last attempt payments are waited for. Default: 10s."`
}
