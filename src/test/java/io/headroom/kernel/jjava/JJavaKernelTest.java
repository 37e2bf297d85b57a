package io.headroom.kernel.jjava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import io.headroom.kernel.Kernels;
import io.headroom.kernel.RecordingCells;
import io.headroom.render.Bundle;
import io.headroom.widget.Comm;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.dflib.jjava.jupyter.messages.comm.CommMsgCommand;
import org.dflib.jjava.jupyter.messages.comm.CommOpenCommand;
import org.dflib.jjava.jupyter.messages.publish.PublishDisplayData;
import org.dflib.jjava.jupyter.messages.publish.PublishUpdateDisplayData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JJavaKernelTest {
    private final RecordingCells cells = new RecordingCells();
    private TestKernel base;
    private JJavaKernel kernel;
    private List<String> refused;

    @BeforeEach
    void install() throws Exception {
        base = TestKernel.start();
        kernel = JJavaKernel.of(base);
        refused = kernel.install(cells);
    }

    @AfterEach
    void stop() {
        kernel.uninstall();
        base.getJShell().close();
    }

    @Test
    void isTheCurrentKernelUntilItStops() {
        assertThat(Kernels.current()).contains(kernel);
        kernel.uninstall();
        kernel.uninstall();
        assertThat(Kernels.current()).isEmpty();
    }

    @Test
    void importsWhatIsThereAndNamesWhatIsNot() {
        assertThat(refused).containsExactly("import no.such.place.*;");
        assertThat(base.evalRaw("Path.of(\"a\").toString()")).isEqualTo("\"a\"");
    }

    @Test
    void showsTheCardOfAFailingCellInItsOutput() {
        assertThatThrownBy(() -> base.evalRaw("throw new IllegalStateException(\"x\");"))
                .hasMessage("cell failed");

        assertThat(base.shown()).containsExactly("card: java.lang.IllegalStateException");
    }

    @Test
    void stopsShowingCardsWhenUninstalled() {
        kernel.uninstall();
        assertThatThrownBy(() -> base.evalRaw("throw new Error();")).hasMessage("cell failed");

        assertThat(base.shown()).isEmpty();
    }

    @Test
    void rendersRegisteredTypesWithEveryMimeType() {
        var data = base.getRenderer().render(new RecordingCells.Weight("w"));

        assertThat(data.toString()).isNotNull();
        assertThat(data.getData(TestKernel.mime("text/plain"))).isEqualTo("weight");
        assertThat(data.getData(TestKernel.mime("text/html"))).isEqualTo("<b>weight</b>");
        assertThat(data.getData(TestKernel.mime("application/x.test+json"))).isEqualTo(Map.of("a", 1));
    }

    @Test
    void rendersOnlyTheTypeAskedFor() {
        var data = base.getRenderer().renderAs(new RecordingCells.Weight("w"), "text/html");

        assertThat(data.hasDataForType(TestKernel.mime("application/x.test+json")))
                .isFalse();
        assertThat(data.getData(TestKernel.mime("text/html"))).isEqualTo("<b>weight</b>");
    }

    @Test
    void aRendererThatFailsLeavesText() {
        cells.broken = new IllegalStateException("no");
        var data = base.getRenderer().render(new RecordingCells.Weight("w"));

        assertThat((String) data.getData(TestKernel.mime("text/plain"))).contains("Weight[name=w]", "not rendered");
    }

    @Test
    void memoryMagicTakesTheStage() throws Exception {
        Object data = base.getMagicsRegistry().evalLineMagic(base, "memory", List.of("two", "words"));

        assertThat(((org.dflib.jjava.jupyter.kernel.display.DisplayData) data).getData(TestKernel.mime("text/plain")))
                .isEqualTo("memory at two words");
    }

    @Test
    void watchMagicRunsItsBodyAndReports() throws Exception {
        Object value = base.getMagicsRegistry().evalCellMagic(base, "watch", List.of(), "int w = 20; w + 1");

        assertThat(value).isEqualTo("21");
        assertThat(base.shown()).containsExactly("watched");
    }

    @Test
    void watchMagicReportsABodyThatThrowsAndShowsOneCard() {
        assertThatThrownBy(() -> base.getMagicsRegistry()
                        .evalCellMagic(base, "watch", List.of(), "throw new IllegalStateException();"))
                .hasMessage("cell failed");

        assertThat(base.shown()).containsExactly("card: java.lang.IllegalStateException", "watched");
    }

    @Test
    void theStatementAroundAFailedBodyShowsNoSecondCard() throws Exception {
        assertThatThrownBy(() ->
                        base.getMagicsRegistry().evalCellMagic(base, "watch", List.of(), "throw new Error(\"a\");"))
                .isInstanceOf(Exception.class);
        assertThatThrownBy(() -> base.evalRaw("throw new RuntimeException(\"around it\");"))
                .hasMessage("cell failed");
        assertThatThrownBy(() -> base.evalRaw("throw new Error(\"the next cell\");"))
                .hasMessage("cell failed");

        assertThat(cells.failures).extracting(cell -> cell.failure().message()).containsExactly("a", "the next cell");
    }

    @Test
    void displaysAndUpdatesUnderOneId() {
        String id = kernel.display(Bundle.text("one"));
        kernel.update(id, Bundle.text("two"));

        assertThat(base.sent().get(0).getContent())
                .isInstanceOfSatisfying(PublishDisplayData.class, first -> assertThat(first.getDisplayId())
                        .isEqualTo(id));
        assertThat(base.sent().get(1).getContent()).isInstanceOfSatisfying(PublishUpdateDisplayData.class, then -> {
            assertThat(then.getDisplayId()).isEqualTo(id);
            assertThat(then.getData(TestKernel.mime("text/plain"))).isEqualTo("two");
        });
    }

    @Test
    void listsTheNotebooksVariables() {
        base.evalRaw("int batch = 64;");

        assertThat(kernel.variables()).anySatisfy(each -> {
            assertThat(each.name()).isEqualTo("batch");
            assertThat(each.value()).isEqualTo(64);
        });
    }

    @Test
    void opensCommsWithMetadataAndState() {
        Comm comm = open((sender, data) -> {});

        var message = base.sent().get(0);
        assertThat(message.getMetadata()).containsEntry("version", "2.1.0");
        assertThat(message.getContent()).isInstanceOfSatisfying(CommOpenCommand.class, open -> {
            assertThat(open.getCommID()).isEqualTo(comm.id());
            assertThat(open.getTargetName()).isEqualTo("jupyter.widget");
            assertThat(open.getData()).hasToString("{\"state\":{\"value\":3,\"none\":null},\"buffer_paths\":[]}");
        });
    }

    @Test
    void messagesGoBothWaysAsPlainValues() {
        List<Map<String, Object>> received = new ArrayList<>();
        Comm comm = open((sender, data) -> received.add(data));

        comm.send(Map.of("method", "update", "state", Map.of("value", 1.5)));
        base.receive(new CommMsgCommand(
                comm.id(),
                JsonParser.parseString("{\"method\":\"update\",\"state\":{\"value\":7,\"on\":true,\"l\":[1,\"b\"]}}")
                        .getAsJsonObject()));

        assertThat(((CommMsgCommand) base.sent().get(1).getContent())
                        .getData()
                        .getAsJsonObject("state")
                        .get("value")
                        .getAsDouble())
                .isEqualTo(1.5);
        assertThat(received)
                .containsExactly(
                        Map.of("method", "update", "state", Map.of("value", 7, "on", true, "l", List.of(1, "b"))));
    }

    @Test
    void aListenerThatThrowsDoesNotReachTheKernel() {
        Comm comm = open((sender, data) -> {
            throw new StackOverflowError();
        });

        base.receive(new CommMsgCommand(comm.id(), JsonParser.parseString("{}").getAsJsonObject()));
        assertThat(base.evalRaw("1 + 1")).isEqualTo("2");
    }

    @Test
    void answersCommsTheBrowserOpens() {
        List<Map<String, Object>> received = new ArrayList<>();
        kernel.comms().orElseThrow().accept("jupyter.widget.control", (sender, data) -> {
            received.add(data);
            sender.send(Map.of("method", "update_states"));
        });

        base.receiveOpen(new CommOpenCommand(
                "abc", "jupyter.widget.control", JsonParser.parseString("{}").getAsJsonObject()));
        base.receive(new CommMsgCommand(
                "abc", JsonParser.parseString("{\"method\":\"request_states\"}").getAsJsonObject()));

        assertThat(received).containsExactly(Map.of("method", "request_states"));
        assertThat(((CommMsgCommand) base.sent().get(0).getContent()).getCommID())
                .isEqualTo("abc");
    }

    @Test
    void closingTwiceSendsOneMessageAndTellsTheListener() {
        List<String> closed = new ArrayList<>();
        Comm comm = open(new Comm.Listener() {
            @Override
            public void onMessage(Comm sender, Map<String, Object> data) {}

            @Override
            public void onClose(Comm sender) {
                closed.add(sender.id());
            }
        });
        comm.close();
        comm.close();

        assertThat(base.sent()).hasSize(2);
        assertThat(closed).containsExactly(comm.id());
    }

    @Test
    void aCommBeforeTheConnectionSaysSo() {
        base.getCommManager().setIOPubChannel(null);

        assertThatThrownBy(() -> open((sender, data) -> {})).hasMessageContaining("not connected");
    }

    private Comm open(Comm.Listener listener) {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("value", 3);
        state.put("none", null);
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("state", state);
        data.put("buffer_paths", List.of());
        return kernel.comms().orElseThrow().open("jupyter.widget", Map.of("version", "2.1.0"), data, listener);
    }
}
