package io.headroom.kernel.ijava;

import io.github.spencerpark.jupyter.channels.IOPubChannel;
import io.github.spencerpark.jupyter.channels.JupyterSocket;
import io.github.spencerpark.jupyter.channels.ReplyEnvironment;
import io.github.spencerpark.jupyter.channels.ShellReplyEnvironment;
import io.github.spencerpark.jupyter.kernel.BaseKernel;
import io.github.spencerpark.jupyter.kernel.JupyterIO;
import io.github.spencerpark.jupyter.kernel.LanguageInfo;
import io.github.spencerpark.jupyter.kernel.display.DisplayData;
import io.github.spencerpark.jupyter.kernel.display.mime.MIMEType;
import io.github.spencerpark.jupyter.kernel.magic.registry.Magics;
import io.github.spencerpark.jupyter.messages.HMACGenerator;
import io.github.spencerpark.jupyter.messages.Header;
import io.github.spencerpark.jupyter.messages.Message;
import io.github.spencerpark.jupyter.messages.comm.CommMsgCommand;
import io.github.spencerpark.jupyter.messages.comm.CommOpenCommand;
import io.github.spencerpark.jupyter.messages.publish.PublishDisplayData;
import io.headroom.kernel.LocalShell;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.JShell;
import org.zeromq.ZMQ;

/** IJava's published base, shaped like its kernel, with a real JShell; what it would send to the front end is kept. */
public final class TestKernel extends BaseKernel {
    private final Evaluator evaluator;
    private final Magics magics = new Magics();
    private final List<Message<?>> sent = new ArrayList<>();

    private TestKernel(JShell shell) {
        this.evaluator = new Evaluator(shell);
    }

    static TestKernel start() throws ReflectiveOperationException {
        TestKernel kernel = new TestKernel(LocalShell.open());
        JupyterSocket socket = new IOPubChannel(ZMQ.context(1), HMACGenerator.NO_AUTH_INSTANCE) {
            @Override
            public synchronized void sendMessage(Message<?> message) {
                kernel.sent.add(message);
            }
        };
        Message<?> parent = new Message<>(
                new Header<>(CommOpenCommand.MESSAGE_TYPE), new CommOpenCommand("parent", "target", null));
        kernel.commManager.setIOPubChannel(socket);
        kernel.commManager.setMessageContext(parent);
        Method attach = JupyterIO.class.getDeclaredMethod("setEnv", ShellReplyEnvironment.class);
        attach.setAccessible(true);
        attach.invoke(kernel.getIO(), new ShellReplyEnvironment(null, null, socket, parent) {});
        return kernel;
    }

    JShell shell() {
        return evaluator.getShell();
    }

    ClassLoader snippets() {
        return LocalShell.loader(evaluator.getShell());
    }

    public Magics getMagics() {
        return magics;
    }

    public Object evalRaw(String code) throws Exception {
        return LocalShell.eval(evaluator.getShell(), code);
    }

    @Override
    public String getBanner() {
        return "Java 17 :: IJava kernel 1.3.0 \nProtocol v5.3 implementation by jupyter-jvm-basekernel 2.3.0";
    }

    @Override
    public DisplayData eval(String code) throws Exception {
        return new DisplayData(String.valueOf(evalRaw(code)));
    }

    @Override
    public LanguageInfo getLanguageInfo() {
        return new LanguageInfo.Builder("Java").build();
    }

    List<Message<?>> sent() {
        return sent;
    }

    /** The text of everything displayed so far. */
    List<Object> shown() {
        return sent.stream()
                .map(Message::getContent)
                .filter(PublishDisplayData.class::isInstance)
                .map(content -> ((PublishDisplayData) content).getData(mime("text/plain")))
                .toList();
    }

    void receive(CommMsgCommand content) {
        commManager.handleCommMsgCommand(
                environment(), new Message<>(new Header<>(CommMsgCommand.MESSAGE_TYPE), content));
    }

    void receiveOpen(CommOpenCommand content) {
        commManager.handleCommOpenCommand(
                environment(), new Message<>(new Header<>(CommOpenCommand.MESSAGE_TYPE), content));
    }

    static MIMEType mime(String type) {
        return MIMEType.parse(type);
    }

    private static ReplyEnvironment environment() {
        return (ReplyEnvironment) Proxy.newProxyInstance(
                TestKernel.class.getClassLoader(),
                new Class<?>[] {ReplyEnvironment.class},
                (proxy, method, arguments) -> null);
    }

    public static final class Evaluator {
        private final JShell shell;

        Evaluator(JShell shell) {
            this.shell = shell;
        }

        public JShell getShell() {
            return shell;
        }
    }
}
