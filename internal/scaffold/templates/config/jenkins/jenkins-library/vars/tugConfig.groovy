// The pipeline of a config repository. Parameters:
//   environments  names, in the order in which they are deployed
//   branch        the branch that is deployed; default: main
//   agent         label of agents that have tug and git; default: tug
//   encrypted     the environments that have encrypted files, and so a key; default: none
//   forge         KIND=URL of a forge other than github.com and gitlab.com, as in TUG_FORGE
def call(Map given = [:]) {
  Map config = [environments: [], branch: 'main', agent: 'tug', encrypted: [], forge: ''] + given
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
            withEnv(config.forge ? ["TUG_FORGE=${config.forge}"] : []) {
              sh 'tug diff "origin/$CHANGE_TARGET...HEAD" --post --pr "$CHANGE_ID" --report tug-preview.md'
            }
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
              def held = [file(credentialsId: "tug-kubeconfig-${name}", variable: 'KUBECONFIG')]
              if (name in config.encrypted) {
                held << file(credentialsId: "tug-age-key-${name}", variable: 'SOPS_AGE_KEY_FILE')
              }
              withCredentials(held) {
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
