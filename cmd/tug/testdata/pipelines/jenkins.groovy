// Runs declarative pipelines of a shared library as Jenkins would, as far as the
// pipelines of tug init go: stages in order, their conditions, credentials bound by
// id for the steps inside, sh in a real shell. A step that it does not know is an
// error, and so is a credential that is not there.
//
//   groovy jenkins.groovy BUILD.json
//
// BUILD.json: {library, name, jenkinsfile, env, credentials: {ID: {kind, ...}}, out}.
// The file OUT gets {exit, error, steps: [{stage, script, env, exit}], archived: []}.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.customizers.ImportCustomizer

@interface Library { String value() }

class StepFailed extends RuntimeException {
  int code
  StepFailed(int code, String text) { super(text); this.code = code }
}

// Assigned takes what an environment block assigns.
class Assigned {
  Map<String, String> values = [:]
  void setProperty(String name, Object value) { values[name] = value.toString() }
}

class World {
  Map build
  List<Map> layers = []   // of the environment, the innermost last
  List steps = [], archived = []
  String stage = ''
  boolean skip = false
  Map getEnv() { layers.inject([:]) { all, one -> all + one } }

  def inside(Map more, Closure body) {
    layers << more
    try { return body() } finally { layers.pop() }
  }

  int sh(String script) {
    def command = new ProcessBuilder('sh', '-e', '-c', script).directory(new File(env.WORKSPACE)).redirectErrorStream(true)
    command.environment().clear()
    command.environment().putAll(env)
    def process = command.start()
    process.outputStream.close()
    System.err << process.inputStream
    int code = process.waitFor()
    steps << [stage: stage, script: script, env: env, exit: code]
    if (code != 0) { throw new StepFailed(code, "${stage}: exit code ${code}") }
    return code
  }
}

// Steps are the words of a Jenkinsfile.
abstract class Steps extends Script {
  World getWorld() { binding.getVariable('world') }
  Map getEnv() { world.env }

  def pipeline(Closure body) { body() }
  def agent(Closure body) { body() }
  def label(String name) { assert name }
  def options(Closure body) { body() }
  def disableConcurrentBuilds() { }
  def timeout(Map limit) { assert limit.time > 0 && limit.unit }
  def stages(Closure body) { body() }

  // environment blocks are those of the pipeline or of the stage they stand in.
  def environment(Closure body) {
    def assigned = new Assigned()
    body.delegate = assigned
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body()
    world.layers << assigned.values
  }

  def stage(String name, Closure body) {
    int depth = world.layers.size()
    world.stage = name
    world.skip = false
    if (!binding.hasVariable('failed')) {
      try { body() } catch (StepFailed e) { binding.setVariable('failed', e) }
    }
    while (world.layers.size() > depth) { world.layers.pop() }
  }

  def when(Closure body) { body() }
  private void demand(boolean holds) { if (!holds) { world.skip = true } }
  def changeRequest() { demand(env.CHANGE_ID != null) }
  def branch(String name) { demand(env.CHANGE_ID == null && env.BRANCH_NAME == name) }
  def expression(Closure body) { demand(body() as boolean) }
  def steps(Closure body) { if (!world.skip) { body() } }
  def script(Closure body) { body() }

  def sh(String text) { world.sh(text) }
  def withEnv(List pairs, Closure body) {
    world.inside(pairs.collectEntries { it.toString().split('=', 2) as List }, body)
  }

  def string(Map binding) { [kind: 'string'] + binding }
  def file(Map binding) { [kind: 'file'] + binding }
  def usernamePassword(Map binding) { [kind: 'usernamePassword'] + binding }
  def withCredentials(List bindings, Closure body) {
    def files = []
    try {
      def held = bindings.collectEntries { b ->
        def c = world.build.credentials[b.credentialsId.toString()]
        if (c == null || c.kind != b.kind) { throw new StepFailed(1, "no ${b.kind} credential ${b.credentialsId}") }
        if (b.kind == 'usernamePassword') { return [(b.usernameVariable): c.user, (b.passwordVariable): c.password] }
        if (b.kind == 'string') { return [(b.variable): c.text] }
        def f = File.createTempFile("${b.credentialsId}-", '')
        files << f
        f.text = c.text
        return [(b.variable): f.path]
      }
      world.inside(held, body)
    } finally { files*.delete() }
  }

  def post(Closure body) { world.stage = 'post'; body() }
  def always(Closure body) { body() }
  def archiveArtifacts(Map what) {
    def found = what.artifacts.split(',').collectMany { pattern ->
      new File(env.WORKSPACE).listFiles().findAll { it.name ==~ pattern.replace('.', '\\.').replace('*', '.*') }*.name
    }
    assert what.allowEmptyArchive || found
    world.archived.addAll(found)
  }
  def junit(Map what) {
    def results = new File(env.WORKSPACE, what.testResults)
    assert what.allowEmptyResults || results.exists()
    if (results.exists()) { new XmlSlurper().parse(results) }
  }
}

def build = new JsonSlurper().parse(new File(args[0]))
def world = new World(build: build, layers: [build.env])
def imports = new ImportCustomizer()
imports.addImports('Library')
def words = new CompilerConfiguration(scriptBaseClass: 'Steps')
words.addCompilationCustomizers(imports)
def binding = new Binding(world: world)
def shell = new GroovyShell(this.class.classLoader, binding, words)
def library = shell.parse(new File(build.library))
binding.setVariable(build.name, library.&call)
binding.setVariable('_', null)
shell.parse(new File(build.jenkinsfile)).run()
def failed = binding.hasVariable('failed') ? binding.getVariable('failed') : null
new File(build.out).text = JsonOutput.toJson([exit: failed?.code ?: 0, error: failed?.message ?: '', steps: world.steps, archived: world.archived])
