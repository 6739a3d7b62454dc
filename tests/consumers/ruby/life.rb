# openapi-generator, ruby (typhoeus): one life cycle.
require 'json'
require 'uri'
require 'devenviron'
require 'iam'

URL = URI(ENV.fetch('MODELARTS_URL'))

def at(configuration)
  configuration.scheme = URL.scheme
  configuration.host = "#{URL.host}:#{URL.port}"
  configuration.server_index = nil
  configuration
end

def check(holds, what)
  raise "wrong: #{what}" unless holds
end

identity = Iam::TokensApi.new(Iam::ApiClient.new(at(Iam::Configuration.new)))
user = Iam::PasswordUserReq.new(
  name: 'consumer', password: 'consumer-password', domain: Iam::DomainReq.new(name: 'OTC-EMULATOR')
)
sign_in = Iam::CreateTokenRequest.new(
  auth: Iam::AuthReq.new(
    identity: Iam::IdentityReq.new(methods: ['password'], password: Iam::PasswordIdentityReq.new(user: user)),
    scope: Iam::ScopeReq.new(project: Iam::ProjectScopeReq.new(name: 'eu-de'))
  )
)
signed_in, _, headers = identity.create_token_with_http_info(sign_in)
PROJECT = signed_in.token.project.id

configuration = at(DevEnviron::Configuration.new)
configuration.api_key['X-Auth-Token'] = headers['X-Subject-Token']
client = DevEnviron::ApiClient.new(configuration)
NOTEBOOKS = DevEnviron::NotebooksApi.new(client)
instances = DevEnviron::DevEnvInstancesApi.new(client)

def wait(id, status)
  300.times do
    notebook = NOTEBOOKS.show_notebook(PROJECT, id)
    return notebook if notebook.status == status

    sleep 0.1
  end
  raise "never #{status}"
end

# The generated client leaves the body of an error as text.
def failure(id)
  NOTEBOOKS.show_notebook(PROJECT, id)
  nil
rescue DevEnviron::ApiError => e
  [e.code, DevEnviron::ErrorResponse.build_from_hash(JSON.parse(e.response_body)).error_code]
end

image = DevEnviron::ImagesApi.new(client).list_images(PROJECT, type: 'BUILD_IN').data.first
flavor = DevEnviron::FlavorsApi.new(client).list_flavors(PROJECT).data.first
creation = DevEnviron::CreateNotebookRequest.new(
  name: 'consumer', description: 'before', flavor: flavor.id, image_id: image.id,
  volume: DevEnviron::VolumeReq.new(category: 'EVS', ownership: 'MANAGED', capacity: 5)
)
id = NOTEBOOKS.create_notebook(PROJECT, creation).id
before = wait(id, 'RUNNING')

found = NOTEBOOKS.list_notebooks(PROJECT, name: 'consumer', limit: 5).data
check(found.map(&:id) == [id], found)

NOTEBOOKS.update_notebook(PROJECT, id, DevEnviron::UpdateNotebookRequest.new(description: 'after'))
after = wait(id, 'RUNNING')
check([before.description, after.description] == %w[before after], after)
check([after.name, after.flavor, after.volume.capacity] == [before.name, before.flavor, before.volume.capacity], after)

lease = DevEnviron::LeaseApi.new(client).renew_lease(PROJECT, id, DevEnviron::LeaseReq.new(duration: 7_200_000))
check(lease.duration.positive?, lease)

NOTEBOOKS.stop_notebook(PROJECT, id)
wait(id, 'STOPPED')
NOTEBOOKS.start_notebook(PROJECT, id)
wait(id, 'RUNNING')

{
  '00000000-0000-0000-0000-000000000000' => [400, 'ModelArts.6309'],
  'fault-502' => [502, 'APIGW.0201'],
  'fault-429' => [429, 'APIGW.0308']
}.each { |name, expected| check(failure(name) == expected, failure(name)) }
odd = NOTEBOOKS.show_notebook(PROJECT, 'odd')
check([odd.status, odd.lease, odd.description, odd.endpoints] == ['HIBERNATED', nil, nil, nil], odd)

storage = DevEnviron::DevEnvStorageReq.new(
  type: 'obs', location: DevEnviron::DevEnvStorageLocationReq.new(path: '/bucket/consumer/')
)
spec = DevEnviron::CreateDevEnvNotebookSpec.new(
  storage: storage, auto_stop: DevEnviron::DevEnvAutoStopReq.new(enable: true, duration: 3600)
)
old = instances.create_dev_env_instance(
  PROJECT,
  DevEnviron::CreateDevEnvInstanceRequest.new(
    name: 'consumer-old', profile_id: 'Python3-cpu', flavor: 'modelarts.vm.cpu.2u', spec: spec
  )
).id
sleep 0.1 until instances.show_dev_env_instance(PROJECT, old).status == 'RUNNING'
update = DevEnviron::UpdateDevEnvNotebookSpec.new(auto_stop: DevEnviron::UpdateDevEnvAutoStopReq.new(duration: 7200))
instances.update_dev_env_instance(PROJECT, old, DevEnviron::UpdateDevEnvInstanceRequest.new(spec: update))
check(instances.show_dev_env_instance(PROJECT, old).spec.auto_stop.enable, 'automatic stop was switched off')
instances.delete_dev_env_instance(PROJECT, old)

NOTEBOOKS.delete_notebook(PROJECT, id)
300.times do
  break if failure(id)

  sleep 0.1
end
check(failure(id) == [400, 'ModelArts.6309'], failure(id))
