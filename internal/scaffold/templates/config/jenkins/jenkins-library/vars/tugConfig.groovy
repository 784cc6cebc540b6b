// The pipeline of a config repository. Parameters:
//   environments  names, in the order in which they are deployed
//   branch        the branch that is deployed; default: main
//   agent         label of agents that have tug and git; default: tug
//   trusted       whether this build may comment: no for forks (CHANGE_FORK)
def call(Map given = [:]) {
  Map config = [environments: [], branch: 'main', agent: 'tug'] + given
  pipeline {
    agent { label config.agent }
    options {
      disableConcurrentBuilds()
      timeout(time: 60, unit: 'MINUTES')
    }
    environment { TUG_STRICT = 'true' }
    stages {
      stage('Check') {
        when { changeRequest() }
        steps {
          sh 'tug check --output junit -o findings.xml'
        }
      }
      stage('Preview') {
        when {
          changeRequest()
          expression { !env.CHANGE_FORK }
        }
        steps {
          withCredentials([string(credentialsId: 'tug-forge-token', variable: 'TUG_FORGE_TOKEN')]) {
            sh 'tug diff "origin/$CHANGE_TARGET...HEAD" --post --pr "$CHANGE_ID" --report tug-preview.md'
          }
        }
      }
      stage('Preview of a fork') {
        when {
          changeRequest()
          expression { env.CHANGE_FORK }
        }
        steps {
          sh 'tug diff "origin/$CHANGE_TARGET...HEAD" --report tug-preview.md'
        }
      }
      stage('Deploy') {
        when { branch config.branch }
        steps {
          script {
            for (name in config.environments) {
              withCredentials([
                file(credentialsId: "tug-kubeconfig-${name}", variable: 'KUBECONFIG'),
                file(credentialsId: "tug-age-key-${name}", variable: 'SOPS_AGE_KEY_FILE'),
              ]) {
                withEnv(["TUG_ENVIRONMENT=${name}"]) {
                  sh 'tug deploy -e "$TUG_ENVIRONMENT" --yes'
                }
              }
            }
          }
        }
      }
    }
    post {
      always {
        archiveArtifacts artifacts: 'tug-preview.md,findings.xml', allowEmptyArchive: true
        junit testResults: 'findings.xml', allowEmptyResults: true
      }
    }
  }
}
