// Package project is the config repository as people write it: tug.yaml with
// its environments and apps, the layouts that need no tug.yaml at all, and
// which app is rendered from what (design.md section 4). It reads files
// through fs.FS only, so that a folder and any commit are the same to it.
package project

import "io/fs"

// FileName is the name of the project file.
const FileName = "tug.yaml"

// APIVersion and Kind head every project file.
const (
	APIVersion = "tug.dev/v1alpha1"
	Kind       = "Project"
)

// Project is a config repository: what runs where.
type Project struct {
	// File is the path of tug.yaml in the file system the project was read
	// from; empty when the layout was detected. Root is its folder, or the
	// folder that was looked at. Paths of environments and apps are relative
	// to Root, as written.
	File, Root string
	// Environments and Apps by name. A detected project has no environment
	// and one app, whose name is "" when nothing names it.
	Environments map[string]Environment
	Apps         map[string]App
	Notify       Notify

	files  fs.FS
	source *source // nil when detected
}

// document is tug.yaml as a whole. The struct tags of it and of the types
// below are the format: the decoder and the JSON Schema both read them.
type document struct {
	APIVersion   string                 `yaml:"apiVersion" rule:"required" enum:"tug.dev/v1alpha1" doc:"Version of this format."`
	Kind         string                 `yaml:"kind" rule:"required" enum:"Project" doc:"Always Project."`
	Environments map[string]Environment `yaml:"environments" doc:"Where apps run, by name. With exactly one, it is the default of -e."`
	Apps         map[string]App         `yaml:"apps" rule:"required" doc:"What is rendered and deployed together, by name. The name is Helm's release name, too."`
	Notify       Notify                 `yaml:"notify" doc:"Who hears of what happens to the apps."`
}

// Environment is where apps run: cluster, namespace and what a render assumes
// of the cluster.
type Environment struct {
	Cluster    string    `yaml:"cluster" rule:"filled" doc:"Name of the kubeconfig context to use. The current context when left out; --context goes first."`
	Namespace  string    `yaml:"namespace" rule:"namespace" doc:"Namespace of the apps and of their records. Apps may name their own; -n goes first."`
	Kubernetes string    `yaml:"kubernetes" rule:"version" doc:"Kubernetes version that renders assume, in quotes: \"1.36\" or \"1.36.2\"."`
	APIs       []string  `yaml:"apis" rule:"api" doc:"API versions that renders assume beyond the built-in ones: group/version or group/version/Kind."`
	Promotion  Promotion `yaml:"promotion" enum:"commit|pull-request" doc:"How versions are promoted into the environment. Default: commit."`
	Branch     string    `yaml:"branch" rule:"filled" doc:"Branch that the files of the apps come from, instead of the checked-out one. This file rules all the same."`
	Repository string    `yaml:"repository" rule:"filled" doc:"Repository (URL or path) that the files of the apps come from, at branch or its default branch. Paths are relative to its root."`
}

// Promotion says how a version gets into an environment.
type Promotion string

// The ways of promotion.
const (
	Commit      Promotion = "commit"
	PullRequest Promotion = "pull-request"
)

// App is one unit that is rendered and deployed together.
type App struct {
	Chart        string   `yaml:"chart" rule:"filled" doc:"Folder of a Helm chart, or a packed one (.tgz). Templates like {{.env}} are filled in."`
	Kustomize    string   `yaml:"kustomize" rule:"filled" doc:"Folder of a kustomization. Templates like {{.env}} are filled in."`
	Flux         string   `yaml:"flux" rule:"filled" doc:"Folder that a Flux cluster or Kustomization points at: Flux Kustomizations and HelmReleases in it are rendered by tug. Templates like {{.env}} are filled in."`
	Manifests    Paths    `yaml:"manifests" rule:"filled" doc:"A folder or file of YAML, or a list of them. Templates like {{.env}} are filled in."`
	Values       []string `yaml:"values" rule:"filled" doc:"Values files of the chart, later ones win. Templates like {{.env}} are filled in."`
	Set          Values   `yaml:"set" doc:"Single values of the chart, over its values files. image.tag stands for tag in image."`
	Then         []Step   `yaml:"then" doc:"Steps over the rendered objects, in their order: overlays of kustomize, functions, ytt."`
	Locks        []string `yaml:"locks" rule:"filled" doc:"Image lock files (tug's or kbld's) or folders of them. Templates like {{.env}} are filled in."`
	DependsOn    []string `yaml:"dependsOn" rule:"name" doc:"Apps that are deployed first. Those that are not in the environment are passed over."`
	Namespace    string   `yaml:"namespace" rule:"namespace" doc:"Namespace of this app instead of the environment's."`
	Environments Places   `yaml:"environments" doc:"The environments the app runs in; all when left out. As a map, each may add values, set and locks and name its namespace."`
	RestartOn    string   `yaml:"restartOn" enum:"config" doc:"With config, a changed ConfigMap or Secret of the app rolls out the Deployments, StatefulSets and DaemonSets that refer to it."`
	Drift        string   `yaml:"drift" enum:"owned|strict|detect" doc:"What becomes of fields that others changed: owned puts back what is declared (the default), strict also removes what persons added, detect only reports."`
	Ignore       []Ignore `yaml:"ignore" doc:"Fields that are left to whoever else sets them."`
	Humans       []string `yaml:"humans" rule:"filled" doc:"Field managers that stand for a person's hand, whose fields are taken back without asking, instead of the usual ones (kubectl*, k9s*, lens* and so on)."`
	Verify       []Check  `yaml:"verify" doc:"What must answer after everything is ready, else the deploy has failed: HTTP, TCP or a Job."`
	Prune        bool     `yaml:"prune" doc:"Delete the app without further consent once it is gone from this file."`
	History      int      `yaml:"history" rule:"positive" doc:"Releases to keep. Default: 10."`
}

// RestartOnConfig is the value of restartOn that hashes configuration.
const RestartOnConfig = "config"

// The values of drift.
const (
	DriftOwned  = "owned"
	DriftStrict = "strict"
	DriftDetect = "detect"
)

// Ignore names fields that are left to others. Group to Name select objects,
// each as a pattern like "web-*"; an empty one selects all.
type Ignore struct {
	Group     string `yaml:"group" doc:"API group of the objects, as a pattern."`
	Kind      string `yaml:"kind" doc:"Kind of the objects, as a pattern."`
	Namespace string `yaml:"namespace" doc:"Namespace of the objects, as a pattern."`
	Name      string `yaml:"name" doc:"Name of the objects, as a pattern: web-*."`
	Path      string `yaml:"path" rule:"required" doc:"The field and all below it, as a plan shows it: spec.replicas."`
}

// Place is what an app has of its own in one environment: files and values
// are added to those of the app and win over them.
type Place struct {
	Values    []string `yaml:"values" rule:"filled" doc:"Values files, after those of the app."`
	Set       Values   `yaml:"set" doc:"Single values, over those of the app."`
	Then      []Step   `yaml:"then" doc:"Steps over the rendered objects, after those of the app."`
	Locks     []string `yaml:"locks" rule:"filled" doc:"Image locks, beside those of the app."`
	Namespace string   `yaml:"namespace" rule:"namespace" doc:"Namespace of the app in this environment."`
}
