// The pipeline of a code repository. Parameters:
//   app               the app in the config repository
//   environment       the environment that a build goes to first
//   configRepository  URL of the config repository
//   registry          host of the registry, which the credentials are for
//   test              the command that tests; default: make test
//   branch            the branch that is published; default: main
//   forge             KIND=URL of a forge other than github.com and gitlab.com, as in TUG_FORGE
//   agent             label of agents that have tug and git; default: tug
def call(Map given = [:]) {
  Map config = [test: 'make test', branch: 'main', agent: 'tug', forge: ''] + given
  pipeline {
    agent { label config.agent }
    options { timeout(time: 60, unit: 'MINUTES') }
    stages {
      stage('Test') {
        steps {
          sh config.test
        }
      }
      stage('Build') {
        when { changeRequest() }
        steps {
          sh 'tug build'
        }
      }
      stage('Publish') {
        when { branch config.branch }
        environment { TUG_STRICT = 'true' }
        steps {
          withCredentials([usernamePassword(credentialsId: 'tug-registry', usernameVariable: 'TUG_REGISTRY_USERNAME', passwordVariable: 'TUG_REGISTRY_PASSWORD')]) {
            withEnv(["TUG_REGISTRY_HOSTNAME=${config.registry}"]) {
              sh 'tug build --push --lock build.lock.yaml'
            }
          }
        }
      }
      stage('Promote') {
        when { branch config.branch }
        environment { TUG_STRICT = 'true' }
        steps {
          withCredentials([string(credentialsId: 'tug-forge-token', variable: 'TUG_FORGE_TOKEN')]) {
            withEnv(["TUG_APP=${config.app}", "TUG_ENVIRONMENT=${config.environment}", "TUG_CONFIG_REPOSITORY=${config.configRepository}"] + (config.forge ? ["TUG_FORGE=${config.forge}"] : [])) {
              sh 'tug promote -a "$TUG_APP" -e "$TUG_ENVIRONMENT" --lock build.lock.yaml --sequence "$BUILD_NUMBER" --source-repository "$GIT_URL" --source-commit "$GIT_COMMIT"'
            }
          }
        }
      }
    }
    post {
      always {
        archiveArtifacts artifacts: '*.lock.yaml', allowEmptyArchive: true
      }
    }
  }
}
