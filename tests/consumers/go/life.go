// openapi-generator, go: one life cycle.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"devenviron"
	"iam"
)

func must[T any](value T, _ any, err error) T {
	check(err == nil, "%v", err)
	return value
}

func check(holds bool, format string, values ...any) {
	if !holds {
		panic(fmt.Sprintf(format, values...))
	}
}

func main() {
	url := os.Getenv("MODELARTS_URL")

	identity := iam.NewConfiguration()
	identity.Servers = iam.ServerConfigurations{{URL: url}}
	user := iam.NewPasswordUserReq("consumer-password")
	user.SetName("consumer")
	domain := iam.NewDomainReq()
	domain.SetName("OTC-EMULATOR")
	user.SetDomain(*domain)
	proof := iam.NewIdentityReq([]string{"password"})
	proof.SetPassword(*iam.NewPasswordIdentityReq(*user))
	scope := iam.NewScopeReq()
	project := iam.NewProjectScopeReq()
	project.SetName("eu-de")
	scope.SetProject(*project)
	auth := iam.NewAuthReq(*proof)
	auth.SetScope(*scope)
	signedIn, response, err := iam.NewAPIClient(identity).TokensAPI.CreateToken(context.Background()).
		CreateTokenRequest(*iam.NewCreateTokenRequest(*auth)).Execute()
	check(err == nil, "signing in: %v", err)
	token := signedIn.GetToken()
	owner := token.GetProject()
	id := owner.GetId()

	configuration := devenviron.NewConfiguration()
	configuration.Servers = devenviron.ServerConfigurations{{URL: url}}
	client := devenviron.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), devenviron.ContextAPIKeys,
		map[string]devenviron.APIKey{"XAuthToken": {Key: response.Header.Get("X-Subject-Token")}})
	notebooks := client.NotebooksAPI

	wait := func(notebook string, status string) *devenviron.Notebook {
		for look := 0; look < 300; look++ {
			found := must(notebooks.ShowNotebook(ctx, id, notebook).Execute())
			if found.GetStatus() == status {
				return found
			}
			time.Sleep(100 * time.Millisecond)
		}
		panic("never " + status)
	}
	fails := func(notebook string, status int, code string) {
		_, response, err := notebooks.ShowNotebook(ctx, id, notebook).Execute()
		var failure *devenviron.GenericOpenAPIError
		check(errors.As(err, &failure), "%v", err)
		body, decoded := failure.Model().(devenviron.ErrorResponse)
		check(decoded, "%s: not decoded: %s", notebook, failure.Body())
		check(response.StatusCode == status && body.GetErrorCode() == code, "%d %s", response.StatusCode, body.GetErrorCode())
	}

	images := must(client.ImagesAPI.ListImages(ctx, id).Type_("BUILD_IN").Execute())
	flavors := must(client.FlavorsAPI.ListFlavors(ctx, id).Execute())
	volume := devenviron.NewVolumeReq("EVS", "MANAGED")
	volume.SetCapacity(5)
	creation := devenviron.NewCreateNotebookRequest(flavors.Data[0].GetId(), images.Data[0].GetId(), "consumer", *volume)
	creation.SetDescription("before")
	made := must(notebooks.CreateNotebook(ctx, id).CreateNotebookRequest(*creation).Execute())
	notebook := made.GetId()
	before := wait(notebook, "RUNNING")

	found := must(notebooks.ListNotebooks(ctx, id).Name("consumer").Limit(5).Execute())
	check(len(found.Data) == 1 && found.Data[0].GetId() == notebook, "%v", found)

	update := devenviron.NewUpdateNotebookRequest()
	update.SetDescription("after")
	must(notebooks.UpdateNotebook(ctx, id, notebook).UpdateNotebookRequest(*update).Execute())
	after := wait(notebook, "RUNNING")
	check(before.GetDescription() == "before" && after.GetDescription() == "after", "%v", after)
	check(after.GetName() == before.GetName() && after.GetFlavor() == before.GetFlavor(), "%v", after)

	renewal := devenviron.NewLeaseReq()
	renewal.SetDuration(7200000)
	lease := must(client.LeaseAPI.RenewLease(ctx, id, notebook).LeaseReq(*renewal).Execute())
	check(lease.GetDuration() > 0, "%v", lease)

	must(notebooks.StopNotebook(ctx, id, notebook).Execute())
	wait(notebook, "STOPPED")
	must(notebooks.StartNotebook(ctx, id, notebook).Execute())
	wait(notebook, "RUNNING")

	fails("00000000-0000-0000-0000-000000000000", 400, "ModelArts.6309")
	fails("fault-502", 502, "APIGW.0201")
	fails("fault-429", 429, "APIGW.0308")
	odd := must(notebooks.ShowNotebook(ctx, id, "odd").Execute())
	check(odd.GetStatus() == "HIBERNATED", "%v", odd.GetStatus())
	check(!odd.Lease.IsSet() || odd.Lease.Get() == nil, "%v", odd.Lease)

	instances := client.DevEnvInstancesAPI
	location := devenviron.NewDevEnvStorageLocationReq()
	location.SetPath("/bucket/consumer/")
	storage := devenviron.NewDevEnvStorageReq("obs")
	storage.SetLocation(*location)
	spec := devenviron.NewCreateDevEnvNotebookSpec(*storage)
	autoStop := devenviron.NewDevEnvAutoStopReq()
	autoStop.SetEnable(true)
	autoStop.SetDuration(3600)
	spec.SetAutoStop(*autoStop)
	instance := must(instances.CreateDevEnvInstance(ctx, id).CreateDevEnvInstanceRequest(
		*devenviron.NewCreateDevEnvInstanceRequest("consumer-old", "Python3-cpu", "modelarts.vm.cpu.2u", *spec)).Execute())
	old := instance.GetId()
	for must(instances.ShowDevEnvInstance(ctx, id, old).Execute()).GetStatus() != "RUNNING" {
		time.Sleep(100 * time.Millisecond)
	}
	changed := devenviron.NewUpdateDevEnvAutoStopReq()
	changed.SetDuration(7200)
	settings := devenviron.NewUpdateDevEnvNotebookSpec()
	settings.SetAutoStop(*changed)
	change := devenviron.NewUpdateDevEnvInstanceRequest()
	change.SetSpec(*settings)
	must(instances.UpdateDevEnvInstance(ctx, id, old).UpdateDevEnvInstanceRequest(*change).Execute())
	now := must(instances.ShowDevEnvInstance(ctx, id, old).Execute())
	nowSpec := now.GetSpec()
	nowStop := nowSpec.GetAutoStop()
	check(nowStop.GetEnable(), "automatic stop was switched off")
	must(instances.DeleteDevEnvInstance(ctx, id, old).Execute())

	must(notebooks.DeleteNotebook(ctx, id, notebook).Execute())
	for look := 0; look < 300; look++ {
		if _, _, err := notebooks.ShowNotebook(ctx, id, notebook).Execute(); err != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	fails(notebook, 400, "ModelArts.6309")
}
