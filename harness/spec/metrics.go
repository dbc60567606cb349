package spec

import "slices"

// Metric is one thing that a gate's rule can hold against its bounds. The list is closed: the schema, the check of gate files and the reference page are made from it.
type Metric struct {
	Name string
	Unit string // how a bound is written
	Each string // what has one value of it
	// Meaning says what is counted or measured, and in which windows.
	Meaning string
	// Words are the values of a metric that is no number.
	Words []string
}

// The units of metrics.
const (
	UnitPoints  = "points"  // 0 to 100
	UnitShare   = "share"   // a percentage, or a number from 0 to 1
	UnitSeconds = "seconds" // a number
	UnitCount   = "count"   // a whole number
	UnitWord    = "word"    // one of the metric's words
)

// What has a value of a metric.
const (
	EachRun     = "run"     // one app under one scenario with one seed
	EachJourney = "journey" // of a run
	EachApp     = "app"     // over all of its runs
)

// The metrics, and the families of them whose names end in a class or a quantile.
const (
	MetricScore          = "score"
	MetricVerdict        = "verdict"
	MetricSeverity       = "severity"
	MetricCoverage       = "coverage"
	MetricRecoveredAfter = "recovered_after_s"
	MetricFindings       = "findings"
	MetricWarnings       = "warnings"
	MetricHarmedIntents  = "harmed_intents"
	MetricUnmodelled     = "unmodelled_hosts"
	MetricAttempts       = "attempts."
	MetricShare          = "share."
	MetricLatency        = "latency_s."
)

// Metrics lists what a rule can hold.
func Metrics() []Metric {
	list := []Metric{
		{Name: MetricScore, Unit: UnitPoints, Each: EachRun, Meaning: "The score of the run; of each such journey when `where` names a kind or a journey."},
		{Name: MetricVerdict, Unit: UnitWord, Each: EachRun, Words: []string{"pass", "fail"}, Meaning: "The verdict of the run."},
		{Name: MetricSeverity, Unit: UnitWord, Each: EachRun, Words: []string{"safe", "misleading", "harmful"}, Meaning: "The severity of the run."},
		{
			Name: MetricCoverage, Unit: UnitShare, Each: EachApp,
			Meaning: "Runs with a score among those that were made, or with `--suite` among the suite's scenarios and seeds, by weight. The scenario control does not count.",
		},
		{
			Name: MetricRecoveredAfter, Unit: UnitSeconds, Each: EachJourney,
			Meaning: "Time from the last fault cleared until the journey was steady again. One that never was is above any bound. Runs without faults have none.",
		},
		{
			Name: MetricFindings, Unit: UnitCount, Each: EachJourney,
			Meaning: "Findings of the classes wrong, harmful and unavailable; of one check only when `where` names it. A finding is one check on one user.",
		},
		{Name: MetricWarnings, Unit: UnitCount, Each: EachJourney, Meaning: "The same of warnings."},
		{Name: MetricHarmedIntents, Unit: UnitCount, Each: EachRun, Meaning: "Payments that were harmed, in all windows."},
		{Name: MetricUnmodelled, Unit: UnitCount, Each: EachRun, Meaning: "Host names that the app asked for and the world does not have."},
	}
	for _, class := range []string{"ok", "late", "degraded", "declined", "unavailable", "wrong", "harmful"} {
		list = append(list, Metric{
			Name: MetricAttempts + class, Unit: UnitCount, Each: EachJourney, Meaning: "Attempts of the class " + class + " after the baseline, or in the window that `where` names.",
		})
	}
	for _, class := range []string{"ok", "late", "degraded", "declined", "unavailable", "wrong", "harmful"} {
		list = append(list, Metric{
			Name: MetricShare + class, Unit: UnitShare, Each: EachJourney, Meaning: "Share of the class " + class + " among the attempts there that are not void.",
		})
	}
	for _, q := range []string{"p50", "p95", "p99", "max"} {
		list = append(list, Metric{
			Name: MetricLatency + q, Unit: UnitSeconds, Each: EachJourney,
			Meaning: "Quantile " + q + " of the time from due to the answer, of answered attempts: the worst of outage, recovery and after, or of the window that `where` names.",
		})
	}
	return list
}

// MetricNamed finds a metric.
func MetricNamed(name string) (Metric, bool) {
	list := Metrics()
	i := slices.IndexFunc(list, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return list[i], true
}

func metricNames() (names []string) {
	for _, m := range Metrics() {
		names = append(names, m.Name)
	}
	return names
}
