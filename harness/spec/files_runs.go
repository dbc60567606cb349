package spec

type scenarioFile struct {
	Schema      string       `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name        nameText     `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the scenario."`
	About       proseText    `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Tags        []nameText   `yaml:"tags" jsonschema_description:"Words that gates and lists select by."`
	Incident    incidentFile `yaml:"incident" jsonschema_description:"The real event that the scenario follows."`
	Baseline    durationText `yaml:"baseline" jsonschema_description:"Time without faults before the first phase. Default: 15s."`
	Phases      []phaseFile  `yaml:"phases" jsonschema:"required,minItems=1" jsonschema_description:"The timeline: one after the other, or each with its own at."`
	After       durationText `yaml:"after" jsonschema_description:"Time without faults after the last phase. Default: 30s."`
	Expect      expectFile   `yaml:"expect" jsonschema_description:"The best class that any app can reach, by kind of journey. Default: ok."`
	ExercisedBy nameText     `yaml:"exercised_by" jsonschema_description:"A sample app that all of its faults act on."`
}

type incidentFile struct {
	Date    dateText             `yaml:"date" jsonschema:"required" jsonschema_description:"Day on which it began, in quotes."`
	Lasted  durationText         `yaml:"lasted" jsonschema_description:"What it took."`
	Sources []incidentSourceFile `yaml:"sources" jsonschema_description:"Where the facts are from."`
}

type incidentSourceFile struct {
	URL       proseText `yaml:"url" jsonschema:"required" jsonschema_description:"Address."`
	KnownFrom string    `yaml:"known_from" jsonschema:"required,enum=operator,enum=press,enum=assumed" jsonschema_description:"operator: its own post-mortem or status page."`
}

type phaseFile struct {
	Name   proseText      `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the phase."`
	At     durationText   `yaml:"at" jsonschema_description:"From the end of the baseline. All phases have it or none."`
	For    durationText   `yaml:"for" jsonschema:"required" jsonschema_description:"How long it lasts."`
	Lasted durationText   `yaml:"lasted" jsonschema_description:"What it took in truth; the compression is computed from it."`
	Faults []faultUseFile `yaml:"faults" jsonschema_description:"What goes wrong."`
	Expect expectFile     `yaml:"expect" jsonschema_description:"Overrides the scenario's."`
}

type faultUseFile struct {
	Fault    string         `yaml:"fault" jsonschema:"required" jsonschema_description:"A fault of the catalogue."`
	With     map[string]any `yaml:"with" jsonschema_description:"The fault's parameters."`
	Target   targetsFile    `yaml:"target" jsonschema:"required" jsonschema_description:"What it acts on: a map, whose keys AND, or a list of maps, which OR."`
	Share    shareFile      `yaml:"share" jsonschema_description:"Share of look-ups, new connections, requests, backends or instances, by the fault's layer. Default: 100%."`
	Flap     flapFile       `yaml:"flap" jsonschema_description:"Switches the fault on and off, bad first."`
	Existing string         `yaml:"existing" jsonschema:"enum=keep,enum=cut" jsonschema_description:"What happens to connections that are open already."`
}

type targetFile struct {
	Service nameText         `yaml:"service" jsonschema_description:"A service of the world."`
	Region  regionText       `yaml:"region" jsonschema_description:"What is placed in this region."`
	Cloud   nameText         `yaml:"cloud" jsonschema_description:"What is placed in any region of this cloud."`
	Chain   nameText         `yaml:"chain" jsonschema_description:"A chain, and what serves it."`
	Host    hostText         `yaml:"host" jsonschema_description:"The service with this host name."`
	App     string           `yaml:"app" jsonschema:"enum=all" jsonschema_description:"Instances of the app."`
	Except  plainTargetsFile `yaml:"except" jsonschema_description:"What is left out."`
}

type plainTargetFile struct {
	Service nameText   `yaml:"service" jsonschema_description:"A service of the world."`
	Region  regionText `yaml:"region" jsonschema_description:"What is placed in this region."`
	Cloud   nameText   `yaml:"cloud" jsonschema_description:"What is placed in any region of this cloud."`
	Chain   nameText   `yaml:"chain" jsonschema_description:"A chain, and what serves it."`
	Host    hostText   `yaml:"host" jsonschema_description:"The service with this host name."`
	App     string     `yaml:"app" jsonschema:"enum=all" jsonschema_description:"Instances of the app."`
}

type rampFile struct {
	From shareText `yaml:"from" jsonschema:"required" jsonschema_description:"At the start of the phase."`
	To   shareText `yaml:"to" jsonschema:"required" jsonschema_description:"At its end."`
}

type flapFile struct {
	Bad  durationText `yaml:"bad" jsonschema:"required" jsonschema_description:"How long the fault holds each time."`
	Good durationText `yaml:"good" jsonschema:"required" jsonschema_description:"How long it does not."`
}

type expectFile struct {
	Read    string `yaml:"read" jsonschema:"enum=ok,enum=late,enum=degraded,enum=declined,enum=unavailable"`
	Write   string `yaml:"write" jsonschema:"enum=ok,enum=late,enum=degraded,enum=declined,enum=unavailable"`
	Events  string `yaml:"events" jsonschema:"enum=ok,enum=late,enum=degraded,enum=declined,enum=unavailable"`
	Content string `yaml:"content" jsonschema:"enum=ok,enum=late,enum=degraded,enum=declined,enum=unavailable"`
	Status  string `yaml:"status" jsonschema:"enum=ok,enum=late,enum=degraded,enum=declined,enum=unavailable"`
}

type suiteFile struct {
	Schema    string           `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name      nameText         `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the suite."`
	About     proseText        `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Version   versionText      `yaml:"version" jsonschema:"required" jsonschema_description:"Version of the suite, in quotes: scorecards of different versions do not compare."`
	Seeds     []seedFile       `yaml:"seeds" jsonschema:"minItems=1" jsonschema_description:"Each scenario runs with each seed. Default: [1]."`
	Scenarios []suiteEntryFile `yaml:"scenarios" jsonschema:"required,minItems=1" jsonschema_description:"The scenarios, by name."`
}

type suiteEntryFile struct {
	Name   nameText `yaml:"name" jsonschema:"required" jsonschema_description:"A scenario of the library."`
	Weight float64  `yaml:"weight" jsonschema:"minimum=0" jsonschema_description:"Its weight in the score, more than 0. Default: 1."`
}

type gateFile struct {
	Schema  string       `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name    nameText     `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the gate."`
	About   proseText    `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Rules   []ruleFile   `yaml:"rules" jsonschema:"required,minItems=1" jsonschema_description:"All must hold."`
	Waivers []waiverFile `yaml:"waivers" jsonschema_description:"Rules that are excused until a day."`
}

type ruleFile struct {
	ID          nameText  `yaml:"id" jsonschema:"required" jsonschema_description:"Name of the rule."`
	Metric      string    `yaml:"metric" jsonschema:"required" jsonschema_description:"What is held against the bounds."`
	Min         limitText `yaml:"min" jsonschema_description:"Least value that holds; a number, or a percentage."`
	Max         limitText `yaml:"max" jsonschema_description:"Largest value that holds; a number, or a percentage."`
	Equals      equalText `yaml:"equals" jsonschema_description:"The only value that holds; a word of the metrics verdict and severity, or a number."`
	Where       whereFile `yaml:"where" jsonschema_description:"The runs and cells that the rule is about. Default: all."`
	AcrossSeeds string    `yaml:"across_seeds" jsonschema:"enum=worst,enum=median,enum=best,enum=lower" jsonschema_description:"Which of several seeds counts; lower is the lower bound of the mean score's 95 % confidence interval. Default: worst."`
	WhenMissing string    `yaml:"when_missing" jsonschema:"enum=fail,enum=skip" jsonschema_description:"What the rule says when there is nothing to hold. Default: fail."`
}

type whereFile struct {
	Tag      nameText `yaml:"tag" jsonschema_description:"Tag of the scenario."`
	Kind     string   `yaml:"kind" jsonschema:"enum=read,enum=write,enum=events,enum=content,enum=status" jsonschema_description:"Kind of the journey."`
	Scenario nameText `yaml:"scenario" jsonschema_description:"Name of the scenario."`
	Journey  nameText `yaml:"journey" jsonschema_description:"Name of the journey."`
	App      nameText `yaml:"app" jsonschema_description:"Name of the app."`
	Check    nameText `yaml:"check" jsonschema_description:"Id of the check, for the metrics findings and warnings."`
	Window   string   `yaml:"window" jsonschema:"enum=outage,enum=recovery,enum=after" jsonschema_description:"Window of the run, for attempts, shares and latency. Default: all of them."`
}

type excusedFile struct {
	Tag      nameText `yaml:"tag" jsonschema_description:"Tag of the scenario."`
	Kind     string   `yaml:"kind" jsonschema:"enum=read,enum=write,enum=events,enum=content,enum=status" jsonschema_description:"Kind of the journey."`
	Scenario nameText `yaml:"scenario" jsonschema_description:"Name of the scenario."`
	Journey  nameText `yaml:"journey" jsonschema_description:"Name of the journey."`
	App      nameText `yaml:"app" jsonschema_description:"Name of the app."`
}

type waiverFile struct {
	Rule   nameText    `yaml:"rule" jsonschema:"required" jsonschema_description:"Id of the rule."`
	Where  excusedFile `yaml:"where" jsonschema_description:"What is excused. Default: all that the rule is about."`
	Reason proseText   `yaml:"reason" jsonschema:"required" jsonschema_description:"Why."`
	Owner  proseText   `yaml:"owner" jsonschema:"required" jsonschema_description:"Who sees to it."`
	Until  dateText    `yaml:"until" jsonschema:"required" jsonschema_description:"Last day on which it holds, in quotes."`
}
