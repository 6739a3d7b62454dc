// openapi-generator, java with the library `native`: one life cycle.
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Objects;
import modelarts.devenviron.ApiClient;
import modelarts.devenviron.ApiException;
import modelarts.devenviron.api.DevEnvInstancesApi;
import modelarts.devenviron.api.FlavorsApi;
import modelarts.devenviron.api.ImagesApi;
import modelarts.devenviron.api.LeaseApi;
import modelarts.devenviron.api.NotebooksApi;
import modelarts.devenviron.model.*;
import modelarts.iam.api.TokensApi;
import modelarts.iam.model.AuthMethod;
import modelarts.iam.model.AuthReq;
import modelarts.iam.model.CreateTokenRequest;
import modelarts.iam.model.DomainReq;
import modelarts.iam.model.IdentityReq;
import modelarts.iam.model.PasswordIdentityReq;
import modelarts.iam.model.PasswordUserReq;
import modelarts.iam.model.ProjectScopeReq;
import modelarts.iam.model.ScopeReq;

public class Life {
    static NotebooksApi notebooks;
    static String project;

    static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(String.valueOf(what));
    }

    static Notebook await(String id, NotebookStatus status) throws Exception {
        for (int look = 0; look < 300; look++) {
            Notebook notebook = notebooks.showNotebook(project, id);
            if (notebook.getStatus() == status) return notebook;
            Thread.sleep(100);
        }
        throw new AssertionError("never " + status);
    }

    static void fails(String id, int status, String code) throws Exception {
        try {
            notebooks.showNotebook(project, id);
        } catch (ApiException error) {
            ErrorResponse body = new ObjectMapper().readValue(error.getResponseBody(), ErrorResponse.class);
            check(error.getCode() == status && code.equals(body.getErrorCode()), error);
            return;
        }
        throw new AssertionError(id + " is there");
    }

    public static void main(String[] arguments) throws Exception {
        String url = System.getenv("MODELARTS_URL");
        var identity = new modelarts.iam.ApiClient();
        identity.updateBaseUri(url);
        var signedIn = new TokensApi(identity).createTokenWithHttpInfo(new CreateTokenRequest().auth(new AuthReq()
            .identity(new IdentityReq().methods(List.of(AuthMethod.PASSWORD)).password(new PasswordIdentityReq()
                .user(new PasswordUserReq().name("consumer").password("consumer-password")
                    .domain(new DomainReq().name("OTC-EMULATOR")))))
            .scope(new ScopeReq().project(new ProjectScopeReq().name("eu-de")))));
        project = signedIn.getData().getToken().getProject().getId();
        String token = signedIn.getHeaders().get("x-subject-token").get(0);

        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        client.setRequestInterceptor(request -> request.header("X-Auth-Token", token));
        notebooks = new NotebooksApi(client);

        var images = new ImagesApi(client).listImages(
                project, null, null, null, null, null, null, null, null, ImageType.BUILD_IN, null, null, null);
        var flavors = new FlavorsApi(client).listFlavors(project, null, null, null, null, null, null, null, null);
        Notebook made = notebooks.createNotebook(project, new CreateNotebookRequest().name("consumer").description("before")
            .flavor(flavors.getData().get(0).getId()).imageId(images.getData().get(0).getId())
            .volume(new VolumeReq().category(VolumeCategory.EVS).ownership(VolumeOwnership.MANAGED).capacity(5)));
        String id = made.getId();
        Notebook before = await(id, NotebookStatus.RUNNING);

        var found = notebooks.listNotebooks(
                project, null, 5, "consumer", null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
        check(found.getData().size() == 1 && id.equals(found.getData().get(0).getId()), found);

        notebooks.updateNotebook(project, id, new UpdateNotebookRequest().description("after"));
        Notebook after = await(id, NotebookStatus.RUNNING);
        check("before".equals(before.getDescription()) && "after".equals(after.getDescription()), after);
        check(Objects.equals(after.getName(), before.getName()) && Objects.equals(after.getFlavor(), before.getFlavor()), after);

        check(new LeaseApi(client).renewLease(project, id, new LeaseReq().duration(7200000L)).getDuration() > 0, "lease");

        notebooks.stopNotebook(project, id);
        await(id, NotebookStatus.STOPPED);
        notebooks.startNotebook(project, id, null, null);
        await(id, NotebookStatus.RUNNING);

        fails("00000000-0000-0000-0000-000000000000", 400, "ModelArts.6309");
        fails("fault-502", 502, "APIGW.0201");
        fails("fault-429", 429, "APIGW.0308");
        Notebook odd = notebooks.showNotebook(project, "odd");
        check(odd.getStatus() == NotebookStatus.UNKNOWN_DEFAULT_OPEN_API, odd.getStatus());
        check(odd.getLease() == null && odd.getEndpoints() == null, odd);

        var instances = new DevEnvInstancesApi(client);
        String old = instances.createDevEnvInstance(project, new CreateDevEnvInstanceRequest().name("consumer-old")
            .profileId("Python3-cpu").flavor("modelarts.vm.cpu.2u").spec(new CreateDevEnvNotebookSpec()
                .storage(new DevEnvStorageReq().type(DevEnvStorageType.OBS).location(new DevEnvStorageLocationReq().path("/bucket/consumer/")))
                .autoStop(new DevEnvAutoStopReq().enable(true).duration(3600)))).getId();
        while (instances.showDevEnvInstance(project, old).getStatus() != DevEnvInstanceStatus.RUNNING) Thread.sleep(100);
        instances.updateDevEnvInstance(project, old, new UpdateDevEnvInstanceRequest()
            .spec(new UpdateDevEnvNotebookSpec().autoStop(new UpdateDevEnvAutoStopReq().duration(7200))));
        check(instances.showDevEnvInstance(project, old).getSpec().getAutoStop().getEnable(), "automatic stop was switched off");
        instances.deleteDevEnvInstance(project, old);

        notebooks.deleteNotebook(project, id);
        for (int look = 0; look < 300; look++) {
            try {
                notebooks.showNotebook(project, id);
            } catch (ApiException error) {
                break;
            }
            Thread.sleep(100);
        }
        fails(id, 400, "ModelArts.6309");
    }

}
