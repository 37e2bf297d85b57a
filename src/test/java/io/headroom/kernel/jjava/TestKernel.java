package io.headroom.kernel.jjava;

import io.headroom.kernel.LocalShell;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.JShell;
import org.dflib.jjava.jupyter.channels.IOPubChannel;
import org.dflib.jjava.jupyter.channels.JupyterSocket;
import org.dflib.jjava.jupyter.channels.ReplyEnvironment;
import org.dflib.jjava.jupyter.channels.ShellReplyEnvironment;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.JupyterIO;
import org.dflib.jjava.jupyter.kernel.LanguageInfo;
import org.dflib.jjava.jupyter.kernel.ReplacementOptions;
import org.dflib.jjava.jupyter.kernel.comm.CommManager;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.dflib.jjava.jupyter.kernel.magic.MagicParser;
import org.dflib.jjava.jupyter.kernel.magic.MagicTranspiler;
import org.dflib.jjava.jupyter.kernel.magic.MagicsRegistry;
import org.dflib.jjava.jupyter.kernel.util.StringStyler;
import org.dflib.jjava.jupyter.messages.HMACGenerator;
import org.dflib.jjava.jupyter.messages.Header;
import org.dflib.jjava.jupyter.messages.Message;
import org.dflib.jjava.jupyter.messages.comm.CommMsgCommand;
import org.dflib.jjava.jupyter.messages.comm.CommOpenCommand;
import org.dflib.jjava.jupyter.messages.publish.PublishDisplayData;
import org.zeromq.ZMQ;

/** JJava's published base with a real JShell; what it would send to the front end is kept. */
public final class TestKernel extends BaseKernel {
    private final JShell shell;
    private final ClassLoader loader;
    private final List<Message<?>> sent = new ArrayList<>();

    private TestKernel(JShell shell, ClassLoader loader) {
        super(
                "test",
                "1.0",
                new LanguageInfo("java", "17", "text/x-java", ".java", "java", "java", "java"),
                List.of(),
                null,
                new JupyterIO(StandardCharsets.UTF_8),
                new CommManager(),
                new Renderer(),
                new MagicParser("(?<=(?:^|=))\\s*%", "%%", new MagicTranspiler()),
                new MagicsRegistry(),
                false,
                new StringStyler.Builder().build());
        this.shell = shell;
        this.loader = loader;
    }

    static TestKernel start() throws ReflectiveOperationException {
        JShell shell = LocalShell.open();
        TestKernel kernel = new TestKernel(shell, LocalShell.loader(shell));
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
        attach.invoke(kernel.io, new ShellReplyEnvironment(null, null, socket, parent) {});
        return kernel;
    }

    public JShell getJShell() {
        return shell;
    }

    @Override
    protected ClassLoader getClassLoader() {
        return loader;
    }

    @Override
    public Object evalRaw(String code) {
        return LocalShell.eval(shell, code);
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

    @Override
    public DisplayData inspect(String code, int at, boolean extraDetail) {
        return null;
    }

    @Override
    public ReplacementOptions complete(String code, int at) {
        return null;
    }

    @Override
    public String isComplete(String code) {
        return IS_COMPLETE_MAYBE;
    }
}
